// `npm run demo`: the main job for real, inside one scratch directory: a real rsync daemon on a free loopback port as
// upstream, a config of three packages, validate → plan → apply → run → status, a change, its diff, and apply again.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const project = join(dirname(fileURLToPath(import.meta.url)), '../..');
execFileSync(process.execPath, [join(project, 'test/support/prepare.mjs'), 'rsync', 'flock=util-linux'], {
  stdio: 'inherit',
});
execFileSync('npm', ['run', '--silent', 'build'], { cwd: project, stdio: 'inherit' });

const scratch = mkdtempSync(join(tmpdir(), 'mirror-demo-'));
const root = join(scratch, 'root');
const upstream = join(scratch, 'upstream');
const program = join(project, 'dist/mirror.cjs');
const config = join(scratch, 'config.json');
const port = await freePort();
const daemon = startUpstream();
let failed = false;
try {
  await listening(port);
  writeConfig();
  heading('A config in the shape that mirror.py reads');
  console.log(readFileSync(config, 'utf8').trimEnd());
  mirror('validate');
  mirrorHead(20, 'plan');
  mirrorHead(3, 'apply');
  mirror('explain', 'archlinux');

  heading("The timer's service runs one sync: its ExecStart line, with --root added");
  const unit = readFileSync(join(root, 'etc/systemd/system/mirror-sync-archlinux.service'), 'utf8');
  const execStart = /^ExecStart=(.*)$/m.exec(unit)[1].replaceAll('"', '').split(' ');
  console.log(`ExecStart=${execStart.join(' ')}`);
  // Not due yet by its schedule (a first apply never starts everything at once), so somebody asks for it.
  show(execStart[0], [...execStart.slice(1).filter((word) => word !== '--scheduled'), '--root', root]);
  show(execStart[0], [...execStart.slice(1), '--root', root]);
  mirror('run', 'own');
  mirror('status');
  heading('What the web sees');
  console.log(readFileSync(join(root, 'www/status.json'), 'utf8'));

  heading('A change is reviewed down to the argv before it runs');
  writeFileSync(
    config,
    readFileSync(config, 'utf8')
      .replace('"syncrate": "PT6H"', '"syncrate": "PT4H"')
      .replace('"options": {}', '"options": { "bwlimit": "50m" }'),
  );
  mirror('plan');
  mirror('apply');
  heading('A second apply has nothing to do');
  mirror('apply');
} catch (error) {
  failed = true;
  console.error(error instanceof Error ? error.message : error);
} finally {
  daemon.kill('SIGTERM');
  rmSync(scratch, { recursive: true, force: true });
}
console.log(failed ? '\ndemo failed' : `\ndemo done; ${existsSync(scratch) ? 'left' : 'removed'} ${scratch}`);
process.exitCode = failed ? 1 : 0;

function mirror(command, ...args) {
  // `run` is the executor: it reads compiled jobs, not the config.
  const options = command === 'run' || command === 'status' ? [] : ['-c', config];
  show(program, [command, ...args, ...options, '--root', root]);
}

/** A first plan shows every line of every new file: the beginning and the end are enough here. */
function mirrorHead(lines, command) {
  const args = [command, '-c', config, '--root', root];
  heading(`$ mirror ${args.join(' ')}`);
  const result = spawnSync(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: scratch,
    encoding: 'utf8',
  });
  if (result.status !== 0)
    throw new Error(`exit ${String(result.status ?? result.signal)}: mirror ${args.join(' ')}`);
  const all = result.stdout.trimEnd().split('\n');
  console.log([...all.slice(0, lines), `… ${all.length - lines - 1} more lines …`, all.at(-1)].join('\n'));
}

function show(file, args) {
  heading(`$ ${[file === program ? 'mirror' : file, ...args].join(' ')}`);
  const result = spawnSync(file, args, { stdio: ['ignore', 'inherit', 'inherit'], cwd: scratch });
  if (result.status !== 0)
    throw new Error(`exit ${String(result.status ?? result.signal)}: ${file} ${args.join(' ')}`);
}

function heading(text) {
  console.log(process.stdout.isTTY ? `\n\x1b[1m${text}\x1b[0m` : `\n${text}`);
}

/** A small tree with a time marker, as Arch Linux has it. */
function startUpstream() {
  const arch = join(upstream, 'archlinux');
  mkdirSync(join(arch, 'core/os/x86_64'), { recursive: true });
  for (const name of ['linux', 'pacman', 'rsync']) {
    writeFileSync(join(arch, `core/os/x86_64/${name}-1.0-1.pkg.tar.zst`), `${name}\n`.repeat(500));
  }
  writeFileSync(join(arch, 'lastupdate'), '1795000000\n');
  writeFileSync(join(arch, 'lastsync'), '1795000300\n');
  mkdirSync(join(upstream, 'ctan'), { recursive: true });
  writeFileSync(join(upstream, 'ctan/README'), 'Comprehensive TeX Archive Network\n');
  const conf = join(scratch, 'rsyncd.conf');
  const module = (name) => `[${name}]\n  path = ${join(upstream, name)}\n  read only = yes\n`;
  writeFileSync(
    conf,
    `use chroot = no\nlog file = ${join(scratch, 'rsyncd.log')}\n${module('archlinux')}${module('ctan')}`,
  );
  return spawn(
    'rsync',
    ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${conf}`],
    {
      stdio: 'ignore',
    },
  );
}

function writeConfig() {
  for (const directory of ['mirror', 'www', 'log', 'packages.d'])
    mkdirSync(join(root, '..', directory === 'packages.d' ? directory : `root/${directory}`), {
      recursive: true,
    });
  // `own` is a tree that this host is the master of.
  cpSync(join(upstream, 'ctan'), join(root, 'mirror/own'), { recursive: true });
  writeFileSync(
    config,
    `{
  // A mirror.py config works as it stands; comments and trailing commas are fine.
  "mirrorname": "Demo Mirror",
  "hostname": "mirror.example.edu",
  "include": ["packages.d/*.json"],
  "settings": {
    "logfolder": "${root}/log", "webroot": "${root}/www",
    "statusfile": "${root}/www/status.json", "statfile": "${root}/www-private/stat.json",
    "uid": "mirror", "gid": "mirror",
    "localtimezone": "Asia/Seoul",
    "logger": { "packagefileformat": { "base": "${root}/log/packages", "folder": "{year}/{month}/{day}",
      "filename": "{hour}:{minute}:{second}.{microsecond}.{packageid}.log", "gzip": true } },
  },
  "packages": {
    "archlinux": { "name": "Arch Linux", "id": "archlinux", "href": "/archlinux", "synctype": "rsync", "syncrate": "PT6H",
      "link": [{ "rel": "HOME", "href": "https://archlinux.org/" }],
      "precheck": { "file": "lastupdate", "always": ["lastsync"] },
      "settings": { "hidden": false, "src": "rsync://127.0.0.1:${port}/archlinux", "dst": "${root}/mirror/archlinux", "options": {} } },
    "own": { "name": "Our own", "id": "own", "href": "/own", "synctype": "local", "syncrate": "", "link": [],
      "settings": { "hidden": false, "src": "", "dst": "${root}/mirror/own", "options": {} } },
  },
}
`,
  );
  mkdirSync(join(root, 'www-private'), { recursive: true });
  writeFileSync(
    join(scratch, 'packages.d/ctan.json'),
    `{
  "CTAN": { "name": "CTAN", "id": "CTAN", "href": "/CTAN", "synctype": "rsync", "syncrate": "P1D", "link": [],
    "settings": { "hidden": false, "src": "rsync://127.0.0.1:${port}/ctan", "dst": "${root}/mirror/CTAN", "options": {} } }
}
`,
  );
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function listening(port) {
  for (let i = 0; i < 100; i++) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      }).on('error', () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`the rsync daemon does not listen on 127.0.0.1:${port}`);
}
