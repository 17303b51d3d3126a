// Builds the Debian package: the program below /usr/lib/mirror, man pages, completions, and the files for systemd-sysusers,
// systemd-tmpfiles and logrotate as `mirror setup` would write them for the default config.
// Usage: npm run deb [-- DIRECTORY]     prints the path of the package; SOURCE_DATE_EPOCH makes it reproducible
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { precompiledTemplates } from '../templates/precompile.mjs';
import { writeManual } from './manual.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
const MAINTAINER = process.env.DEB_MAINTAINER ?? 'mirror maintainers <maintainers@mirror.invalid>';

process.umask(0o022);
const target = resolve(process.argv[2] ?? join(project, 'build'));
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? commitTime());
const scratch = mkdtempSync(join(tmpdir(), 'mirror-deb-'));
try {
  const tree = join(scratch, 'tree');
  await program(tree);
  await documents(tree);
  completions(tree);
  await machineFiles(tree);
  control(tree);
  mkdirSync(target, { recursive: true });
  const file = join(target, `mirror_${version}_all.deb`);
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) };
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, file], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  console.log(file);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** The bundles, started by Debian's own node: neither cron's PATH nor somebody's version manager has a say. */
async function program(tree) {
  const lib = join(tree, 'usr/lib/mirror');
  execFileSync(process.execPath, ['esbuild.config.mjs', `--outdir=${lib}`], {
    cwd: project,
    stdio: 'inherit',
  });
  // The client is for node programs, which get it from npm.
  rmSync(join(lib, 'client'), { recursive: true, force: true });
  // Compiled for the Node that builds; the package's installation compiles for the one that is there.
  for (const name of readdirSync(lib).filter((file) => file.endsWith('.cache'))) rmSync(join(lib, name));
  for (const name of readdirSync(lib).filter((file) => file.endsWith('.cjs'))) {
    const text = readFileSync(join(lib, name), 'utf8');
    const isProgram = name === 'mirror.cjs';
    // The program is a shell script that starts Node, see src/main.sh; the package's is where Debian has it.
    const plain = isProgram
      ? text.replaceAll(/\bnode "\$0"/g, '/usr/bin/node "$0"')
      : text.replace(/^#!.*\n/, '');
    writeFileSync(join(lib, name), plain);
  }
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/mirror/mirror.cjs', join(tree, 'usr/bin/mirror'));
  const schemas = readdirSync(join(project, 'schemas'), { recursive: true }).filter((file) =>
    file.endsWith('.json'),
  );
  for (const file of schemas)
    put(tree, `usr/share/mirror/schemas/${file}`, readFileSync(join(project, 'schemas', file)));
}

async function documents(tree) {
  const manual = join(scratch, 'manual');
  await writeManual(manual, new Date(epoch * 1000));
  for (const page of ['mirror.8', 'mirror.json.5']) {
    put(tree, `usr/share/man/man${page.at(-1)}/${page}.gz`, packed(readFileSync(join(manual, page))));
  }
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  const changelog = `mirror (${version}) unstable; urgency=medium\n\n  * See the history of the source.\n\n -- ${MAINTAINER}  ${date}\n`;
  put(tree, 'usr/share/doc/mirror/changelog.gz', packed(changelog));
  put(tree, 'usr/share/doc/mirror/README.md.gz', packed(readFileSync(join(project, 'README.md'))));
  put(tree, 'usr/share/doc/mirror/copyright', await copyright());
}

/** Our licence, and that of every package that esbuild put into the bundles. */
async function copyright() {
  const { metafile } = await build({
    absWorkingDir: project,
    entryPoints: ['src/cli.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    plugins: [precompiledTemplates],
    mainFields: ['module', 'main'],
    outdir: join(scratch, 'unused'),
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  const folders = Object.keys(metafile.inputs).flatMap(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  );
  const bundled = [...new Set(folders)].sort().map((folder) => {
    const {
      name,
      version: its,
      license,
    } = JSON.parse(readFileSync(join(project, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(project, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const whole = file === undefined ? '' : readFileSync(join(project, folder, file), 'utf8');
    // Debian has the long ones once for all packages.
    const text =
      license === 'Apache-2.0'
        ? [...(whole.match(/^\s*Copyright \d.*$/gm) ?? []), `/usr/share/common-licenses/${license}`].join(
            '\n',
          )
        : whole;
    return `${'-'.repeat(72)}\n${name} ${its} (${license})\n\n${text.trim()}\n`;
  });
  const own = readFileSync(join(project, 'packaging/debian/copyright'), 'utf8');
  return `${own}\nThe program in /usr/lib/mirror holds parts of these packages:\n\n${bundled.join('\n')}`;
}

function completions(tree) {
  const script = (shell) =>
    execFileSync(process.execPath, [join(tree, 'usr/lib/mirror/mirror.cjs'), 'completion'], {
      env: { PATH: process.env.PATH, SHELL: `/bin/${shell}` },
    });
  put(tree, 'usr/share/bash-completion/completions/mirror', script('bash'));
  put(tree, 'usr/share/zsh/vendor-completions/_mirror', script('zsh'));
}

/** The files that setup would write for the default config; with them there it writes none. */
async function machineFiles(tree) {
  const outfile = join(scratch, 'setup-files.mjs');
  await build({
    absWorkingDir: project,
    stdin: {
      contents:
        "export * from './src/apply/setup-files.ts'; export { layout, stateDirectories } from './src/job/layout.ts';",
      resolveDir: project,
      loader: 'ts',
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    plugins: [precompiledTemplates],
    logLevel: 'warning',
  });
  const { layout, logrotateFile, stateDirectories, sysusersFile, tmpfilesFile } = await import(outfile);
  const paths = layout();
  const account = { user: 'mirror', group: 'mirror' };
  for (const { packaged, content } of [
    sysusersFile([account], paths),
    tmpfilesFile(account, paths.state, stateDirectories(paths), paths),
    logrotateFile(account, { path: '/var/log/mirror/mirror.log', gzip: true }, paths),
  ])
    put(tree, packaged.path.slice(1), content);
}

function control(tree) {
  const files = readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
    .sort();
  const size = files.reduce((sum, file) => sum + Math.ceil(statSync(join(tree, file)).size / 1024), 0);
  const fields = {
    Package: 'mirror',
    Version: version,
    Architecture: 'all',
    Maintainer: MAINTAINER,
    'Installed-Size': String(size),
    Depends: [
      'nodejs (>= 20.19)',
      'rsync',
      'util-linux (>= 2.26)',
      'systemd | systemd-standalone-sysusers | systemd-sysusers',
      'systemd | systemd-standalone-tmpfiles | systemd-tmpfiles',
    ].join(', '),
    Recommends: 'systemd | cron',
    Suggests: 'git, openssh-client, logrotate',
    Section: 'net',
    Priority: 'optional',
    Description: readFileSync(join(project, 'packaging/debian/description'), 'utf8').trimEnd(),
  };
  const text = Object.entries(fields)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
  put(tree, 'DEBIAN/control', text);
  put(tree, 'DEBIAN/conffiles', '/etc/logrotate.d/mirror\n');
  put(tree, 'DEBIAN/triggers', 'interest-noawait /usr/bin/node\n');
  const sums = files
    .filter((file) => !file.startsWith('etc/'))
    .map(
      (file) =>
        `${createHash('md5')
          .update(readFileSync(join(tree, file)))
          .digest('hex')}  ${file}\n`,
    );
  put(tree, 'DEBIAN/md5sums', sums.join(''));
  for (const script of ['postinst', 'prerm', 'postrm'])
    put(tree, `DEBIAN/${script}`, readFileSync(join(project, 'packaging/debian', script)), 0o755);
}

function put(tree, path, content, mode = 0o644) {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), content, { mode });
}

function packed(content) {
  return gzipSync(content, { level: 9 });
}

/** Of the commit that is built: the same source gives the same package. */
function commitTime() {
  if (!existsSync(join(project, '.git'))) return Math.floor(Date.now() / 1000);
  return execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: project, encoding: 'utf8' }).trim();
}
