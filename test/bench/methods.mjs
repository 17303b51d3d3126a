// A tree of 300,000 files of which 100 changed: list-driven against a full walk, both from the same daemon in turn. And a
// run that finds nothing new against the rsync that asks for one file.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, figure, freePort, median, plainEnvironment, scratchDirectory, time } from './measure.mjs';
import { typescript } from './typescript.mjs';

const { settingsBelow, siteConfig } = await typescript('support/site-config.ts');

const FILES = 300_000;
const CHANGED = 100;
const PER_DIRECTORY = 100;
const LIST = 'fullfiletimelist-tree';
const ROUNDS = 9;

export async function bench(project) {
  const scratch = scratchDirectory();
  const upstream = makeUpstream(scratch);
  const port = await freePort();
  const daemon = startDaemon(scratch, upstream.path, port);
  try {
    await sleep(300);
    const root = join(scratch, 'root');
    const mirror = (...args) => {
      const argv = [join(project, 'dist/mirror.cjs'), ...args, '--root', root];
      const { status, stderr } = spawnSync(process.execPath, argv, {
        env: plainEnvironment(),
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`mirror ${args.join(' ')}: exit ${status}\n${stderr}`);
    };
    const runOf = (id) => [process.execPath, join(project, 'dist/mirror.cjs'), 'run', '--root', root, id];
    mirror('apply', '-c', writeConfig(scratch, root, port, {}));
    for (const id of ['walk', 'listed']) {
      // The first sync is none of the figures.
      spawnSync('cp', ['-a', `${upstream.path}/.`, `${root}/srv/${id}/`]);
      mirror('run', id);
    }
    const samples = { walk: [], listed: [] };
    for (let round = -1; round < ROUNDS; round++) {
      upstream.change();
      for (const id of ['walk', 'listed']) {
        const sample = time({ argv: runOf(id) });
        if (round >= 0) samples[id].push(sample);
      }
    }
    const same = spawnSync('diff', ['-rq', join(root, 'srv/walk'), join(root, 'srv/listed')]);
    if (same.status !== 0) throw new Error(`the two trees differ:\n${same.stdout}`);
    const of = (id, what) => median(samples[id].map((sample) => sample[what]));
    const shown = (id) => `${of(id, 'wall').toFixed(0)} ms wall, ${of(id, 'cpu').toFixed(0)} ms CPU`;
    console.log(
      `       ${FILES} files, ${CHANGED} changed: rsync ${shown('walk')}; quick-fedora ${shown('listed')}`,
    );
    figure(
      'quick-fedora: share of the wall time of rsync',
      of('listed', 'wall') / of('walk', 'wall'),
      '',
      1 / 5,
    );
    figure(
      'quick-fedora: share of the client CPU of rsync',
      of('listed', 'cpu') / of('walk', 'cpu'),
      '',
      1 / 20,
    );

    mirror('apply', '-c', writeConfig(scratch, root, port, { precheck: { file: LIST } }));
    mirror('run', 'walk');
    const bare = ['rsync', '--no-motd', '--dry-run', '--times', `rsync://127.0.0.1:${port}/tree/${LIST}`];
    const idle = alternate(
      {
        bare: { argv: [...bare, `${root}/srv/walk/${LIST}`] },
        walk: { argv: runOf('walk') },
        listed: { argv: runOf('listed') },
      },
      ROUNDS,
    );
    console.log(
      `       nothing new: one file ${idle.bare.wall.toFixed(0)} ms; rsync with a precheck ${idle.walk.wall.toFixed(0)} ms; quick-fedora ${idle.listed.wall.toFixed(0)} ms`,
    );
    figure(
      'nothing new, rsync with a precheck over one file, wall',
      idle.walk.wall - idle.bare.wall,
      'ms',
      150,
    );
    figure('nothing new, quick-fedora over one file, wall', idle.listed.wall - idle.bare.wall, 'ms', 150);
    for (const id of ['walk', 'listed']) {
      const state = JSON.parse(readFileSync(join(root, `var/lib/mirror/state/${id}.json`), 'utf8'));
      if (state.last.outcome !== 'unchanged') throw new Error(`${id}: ${state.last.outcome}`);
    }
  } finally {
    daemon.kill('SIGTERM');
  }
}

/** Upstream's tree and its list; `change` does what a day does to it: most of it new content, some comes, some goes. */
function makeUpstream(scratch) {
  const path = join(scratch, 'upstream');
  const lines = new Map();
  let clock = 1_700_000_000;
  const put = (name, text) => {
    writeFileSync(join(path, name), text);
    utimesSync(join(path, name), clock, clock);
    lines.set(name, `${clock}\tf\t${text.length}\t${name}\n`);
  };
  const list = () => {
    clock += 60;
    const head = `[Version]\n3\n\n[Files]\n${[...lines.values()].join('')}`;
    writeFileSync(join(path, LIST), `${head}\n[Checksums SHA1]\n\n[End]\n`);
    utimesSync(join(path, LIST), clock, clock);
  };
  const names = [];
  for (let n = 0; n < FILES / PER_DIRECTORY; n++) {
    const directory = `releases/${n % 10}/Everything/x86_64/os/Packages/${String(n).padStart(4, '0')}`;
    mkdirSync(join(path, directory), { recursive: true });
    for (let i = 0; i < PER_DIRECTORY; i++) {
      names.push(`${directory}/a-package-of-some-length-${i}.fc44.x86_64.rpm`);
      put(names.at(-1), `package ${i}\n`);
    }
    lines.set(directory, `${clock}\td\t4096\t${directory}\n`);
  }
  list();
  let round = 0;
  const change = () => {
    round += 1;
    for (let n = 0; n < CHANGED; n++) {
      const at = (n * 2971 + round * 137) % names.length;
      if (n % 10 > 0) put(names[at], `round ${round}, change ${n}\n`);
      else if (n % 20 > 0) put(`${names[at]}.${round}`, `new in round ${round}\n`);
      else {
        rmSync(join(path, names[at]), { force: true });
        lines.delete(names[at]);
      }
    }
    list();
  };
  return { path, change };
}

function startDaemon(scratch, tree, port) {
  const conf = join(scratch, 'rsyncd.conf');
  const identity = process.getuid() === 0 ? 'uid = root\ngid = root\n' : '';
  writeFileSync(conf, `use chroot = no\nlog file = /dev/null\n${identity}[tree]\n  path = ${tree}\n`);
  const args = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${conf}`];
  return spawn('rsync', args, { stdio: 'ignore' });
}

function writeConfig(scratch, root, port, walk) {
  const packageOf = (id, synctype, options, rest = {}) => {
    mkdirSync(join(root, 'srv', id), { recursive: true });
    const settings = { src: `rsync://127.0.0.1:${port}/tree`, dst: `${root}/srv/${id}`, options };
    return { name: id, href: `/${id}`, synctype, syncrate: 'PT6H', link: [], settings, ...rest };
  };
  for (const directory of ['www', 'log']) mkdirSync(join(root, directory), { recursive: true });
  const config = join(scratch, 'config.json');
  const packages = {
    walk: packageOf('walk', 'rsync', {}, walk),
    listed: packageOf('listed', 'quick-fedora', { list: LIST }),
  };
  const settings = {
    ...settingsBelow(root),
    uid: 'mirror',
    gid: 'mirror',
    limits: { concurrent: 0, per_upstream: 0 },
  };
  writeFileSync(config, JSON.stringify(siteConfig(packages, settings)));
  return config;
}
