// 1,000 packages on a real systemd, in the test bed. Needs root; says so and goes on without.
import { cpSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { figure, median } from './measure.mjs';
import { typescript } from './typescript.mjs';

const { bootBed, noBed } = await typescript('bed/bed.ts');
const { siteConfig } = await typescript('support/site-config.ts');

const COUNT = 1_000;
const MIRROR = '/opt/mirror/dist/mirror.cjs';
const UNITS = '/etc/systemd/system';
/** Nothing is due while this measures: slots are half an hour away, before and behind. */
const PHASE = `PT${String(Math.floor(Date.now() / 60_000 + 30) % 60)}M`;

export async function bench(project) {
  if (noBed !== null) {
    console.log(`skipped: a live bed ${noBed}`);
    return;
  }
  const bed = await bootBed();
  try {
    install(bed, project);
    configure(bed, {});
    bed.must(MIRROR, 'setup');
    const first = apply(bed);
    report('apply of 1,000 packages, our own share (first apply)', first, 2);
    idle(bed);
    const ones = [];
    for (let run = 0; run < 9; run += 1) {
      const before = times(bed);
      configure(bed, { 'package-7': run % 2 === 0 ? 'PT2H' : 'PT3H' });
      const one = apply(bed);
      const after = times(bed);
      ones.push({ ...one, written: [...after].filter(([name, time]) => before.get(name) !== time).length });
    }
    report(
      '  one changed package, our own share',
      { ...ones[0], own: median(ones.map(({ own }) => own)) },
      2,
    );
    figure('  units written for it', Math.max(...ones.map(({ written }) => written)), '', 2);
    const reloads = ones.map(({ calls }) => calls.filter((call) => call.verb === 'daemon-reload').length);
    figure('  daemon-reloads for it', Math.max(...reloads), '', 1);
  } finally {
    await bed.stop();
  }
}

/** No process of ours while nothing is due, so not a byte of memory either. */
function idle(bed) {
  const ours = readdirSync(join(bed.root, 'proc'))
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      /mirror/.test(quietly(() => readFileSync(join(bed.root, 'proc', pid, 'cmdline'), 'utf8'))),
    );
  figure('idle with 1,000 packages: processes of ours', ours.length, '', 0);
  const memory = ours.map((pid) => statusOf(bed, pid));
  figure(
    '  resident memory of ours',
    memory.reduce((sum, size) => sum + size, 0),
    'kB',
    0,
  );
  const timers = bed.must('systemctl', 'list-units', '--no-legend', 'mirror-sync-*.timer').trim().split('\n');
  console.log(`       ${String(timers.length)} timers wait in systemd`);
}

function statusOf(bed, pid) {
  const text = quietly(() => readFileSync(join(bed.root, 'proc', pid, 'status'), 'utf8'));
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0);
}

function report(name, { own, wall, calls }, bound) {
  const shown = calls.map(({ verb, seconds }) => `${verb} ${seconds.toFixed(2)} s`).join(', ');
  console.log(`       ${wall.toFixed(2)} s in all, of which ${shown}`);
  figure(name, own, 's', bound);
}

/** One apply; `own` is all but what systemctl took, seconds. */
function apply(bed) {
  bed.run('rm', '-f', '/run/calls');
  const started = performance.now();
  bed.must('env', 'PATH=/opt/bench:/usr/sbin:/usr/bin:/sbin:/bin', MIRROR, 'apply', '--allow-removals', '0');
  const wall = (performance.now() - started) / 1000;
  const calls = readFileSync(join(bed.root, 'run/calls'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => ({ verb: line.split(' ')[0], seconds: Number(line.split(' ')[1]) / 1e9 }));
  // What verify takes is ours: we ask for it.
  const systemd = calls.filter(({ verb }) => verb !== 'verify');
  return { wall, calls, own: wall - systemd.reduce((sum, { seconds }) => sum + seconds, 0) };
}

/** When each unit was last written. */
function times(bed) {
  const units = join(bed.root, UNITS);
  return new Map(
    readdirSync(units)
      .filter((name) => name.startsWith('mirror'))
      .map((name) => [name, statSync(join(units, name)).mtimeMs]),
  );
}

function install(bed, project) {
  cpSync(join(project, 'dist'), join(bed.root, 'opt/mirror/dist'), { recursive: true });
  for (const command of ['systemctl', 'systemd-analyze'])
    bed.write(`/opt/bench/${command}`, timed(command), 0o755);
  mkdirSync(join(bed.root, 'srv/ftp'), { recursive: true });
}

/** Notes how long the command that it stands for takes, in nanoseconds. */
function timed(command) {
  return `#!/bin/sh
start=$(date +%s%N)
/usr/bin/${command} "$@"; code=$?
echo "$1 $(($(date +%s%N) - start))" >>/run/calls
exit $code
`;
}

function configure(bed, rates) {
  const packages = {};
  for (let i = 0; i < COUNT; i += 1) {
    const id = `package-${String(i)}`;
    packages[id] = {
      name: `Package number ${String(i)}`,
      id,
      href: `/${id}`,
      synctype: 'rsync',
      syncrate: rates[id] ?? ['PT6H', 'PT7H', 'P1D', 'PT12H', 'P7D'][i % 5],
      phase: PHASE,
      link: [],
      settings: {
        hidden: false,
        src: `rsync://rsync${String(i % 50)}.example.org/${id}`,
        dst: `/srv/ftp/${id}`,
        options: {},
      },
    };
  }
  const settings = {
    scheduler: 'systemd',
    executable: MIRROR,
    uid: 'mirror',
    gid: 'mirror',
    logger: {
      packagefileformat: {
        base: '/var/log/mirror/packages',
        folder: '{year}/{month}/{day}',
        filename: '{hour}:{minute}:{second}.{microsecond}.{packageid}.log',
        gzip: true,
      },
    },
  };
  bed.write('/etc/mirror/config.json', JSON.stringify(siteConfig(packages, settings)));
}

function quietly(read) {
  try {
    return read();
  } catch {
    return '';
  }
}
