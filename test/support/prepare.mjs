// Makes a fresh clone ready for `npm test`, `npm run demo` and `npm run bench`: node packages from the lock file, and the
// tools that the run needs. Built-ins only, because it runs before anything is installed.
// Usage: prepare.mjs [command[=debian-package] ...]   commands to have; without any: those of the test suite.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Debian's own: its modules are not seen by other Pythons. */
const PYTHON = '/usr/bin/python3';
const project = join(dirname(fileURLToPath(import.meta.url)), '../..');
const TEST_TOOLS = [
  'rsync',
  'flock=util-linux',
  'git',
  'systemd-analyze=systemd',
  'dbus-daemon=dbus',
  'crontab=cron',
  'gcc=gcc libc6-dev',
  'ssh=openssh-client',
  'logrotate',
  'strace',
  'dpkg-deb=dpkg',
  'lintian',
  'sudo',
  'mandoc',
  'sshd=openssh-server',
  'ftpsync',
  'jigdo-mirror=jigdo-file',
  'debmirror=debmirror liblwp-protocol-https-perl',
  'apt-ftparchive=apt-utils',
  'gpg',
  'gpgv',
  'apt-mirror=apt-mirror wget',
  'dnf=dnf dnf-plugins-core',
  'curl',
  'rpmbuild=rpm',
  'createrepo_c=createrepo-c',
  'xz=xz-utils',
  'lftp',
  'openssl',
  // Modules of the system's Python.
  'python3:pyftpdlib=python3-pyftpdlib',
  'python3:ensurepip=python3-venv',
];

installNodePackages();
if (process.argv.length > 2) installTools(process.argv.slice(2));
else {
  installTools(TEST_TOOLS);
  installBandersnatch();
}

/** npm records what it installed in node_modules/.package-lock.json; a different lock file means `npm ci`. */
function installNodePackages() {
  const packages = (file) => {
    if (!existsSync(file)) return null;
    return Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages)
      .filter(([name, value]) => name !== '' && !value.optional)
      .map(([name, value]) => `${name} ${value.version}`)
      .sort()
      .join('\n');
  };
  const wanted = packages(join(project, 'package-lock.json'));
  if (packages(join(project, 'node_modules/.package-lock.json')) === wanted) return;
  console.error('prepare: npm ci');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: project });
}

function installTools(tools) {
  const missing = tools.map((tool) => tool.split('=')).filter(([command]) => !onPath(command));
  if (missing.length === 0) return;
  const debian = [...new Set(missing.map(([command, name]) => name ?? command))];
  const install = `apt-get install -y --no-install-recommends ${debian.join(' ')}`;
  if (process.getuid() !== 0 || !onPath('apt-get')) {
    console.error(
      `prepare: missing ${missing.map(([command]) => command).join(', ')}; install with: sudo ${install}`,
    );
    process.exit(69);
  }
  console.error(`prepare: ${install}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  run('apt-get', ['update', '-q'], quiet);
  run('apt-get', install.split(' ').slice(1), quiet);
}

/**
 * Debian has no bandersnatch: each version gets a virtual environment in build/, with what test/support/bandersnatch*.txt names.
 * Those after 6 need a newer Python than Debian's; without one, the tests of these versions are skipped.
 */
function installBandersnatch() {
  installVersion('bandersnatch', PYTHON);
  const newer = ['python3.14', 'python3.13', 'python3.12'].find(
    (python) => spawnSync(python, ['-c', 'import ensurepip'], { stdio: 'ignore' }).status === 0,
  );
  if (newer === undefined) {
    console.error('prepare: no Python 3.12: tests of bandersnatch 7 and 8 will be skipped');
    return;
  }
  for (const version of ['7', '8']) installVersion(`bandersnatch-${version}`, newer);
}

function installVersion(name, python) {
  const wanted = join(project, `test/support/${name}.txt`);
  const venv = join(project, 'build', name);
  const installed = join(venv, 'installed.txt');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(wanted, 'utf8')) return;
  console.error(`prepare: ${name} into build/${name}`);
  rmSync(venv, { recursive: true, force: true });
  const pip = [join(venv, 'bin/pip'), 'install', '--quiet', '--disable-pip-version-check', '-r', wanted];
  const made = [[python, '-m', 'venv', venv], pip].every(
    ([command, ...args]) =>
      spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0,
  );
  if (made) copyFileSync(wanted, installed);
  else if (process.env.CI) process.exit(1);
  else console.error(`prepare: no ${name}: its tests will be skipped`);
}

function onPath(command) {
  const [, module] = /^python3:(.*)$/.exec(command) ?? [];
  if (module !== undefined)
    return spawnSync(PYTHON, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0;
  return `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`
    .split(delimiter)
    .some((directory) => {
      try {
        accessSync(join(directory, command), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function run(command, args, options) {
  const result = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (result.status !== 0) {
    console.error(
      `prepare: ${command} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`,
    );
    process.exit(result.status ?? 1);
  }
}
