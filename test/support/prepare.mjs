// Makes a fresh clone ready for `npm test`, `npm run demo` and `npm run bench`: node packages from the lock file, and the
// tools that the run needs. Built-ins only, because it runs before anything is installed.
// Usage: prepare.mjs [command[=debian-package] ...]   commands to have; without any: those of the test suite.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  'dpkg-deb=dpkg',
  'lintian',
  'sudo',
  'mandoc',
  'sshd=openssh-server',
  'debmirror=debmirror liblwp-protocol-https-perl',
  'apt-ftparchive=apt-utils',
  'gpg',
  'gpgv',
  'apt-mirror=apt-mirror wget',
  'dnf=dnf dnf-plugins-core',
  'rpmbuild=rpm',
  'createrepo_c=createrepo-c',
  'xz=xz-utils',
  'openssl',
  'lftp',
  // A module, not a command: its directory is looked for beside /usr/sbin.
  '../lib/python3/dist-packages/pyftpdlib=python3-pyftpdlib',
  'ftpsync',
  'jigdo-mirror=jigdo-file',
];

installNodePackages();
installTools(process.argv.length > 2 ? process.argv.slice(2) : TEST_TOOLS);

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

function onPath(command) {
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
