// Whole-process measurements: alternating runs within one session, so that a machine that slows down slows all alike.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A scratch directory on tmpfs where there is one; removed when the bench ends. */
export function scratchDirectory() {
  const path = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'mirror-bench-'));
  process.on('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** An environment as units have it: without NODE_EXTRA_CA_CERTS, which alone costs Node 20 some 30 ms at every start. */
export function plainEnvironment(extra = {}) {
  const env = { ...process.env, ...extra };
  delete env.NODE_EXTRA_CA_CERTS;
  if (!('NODE_OPTIONS' in extra)) delete env.NODE_OPTIONS;
  return env;
}

/**
 * Runs each command once uncounted, then all of them in turn `runs` times.
 * commands: {name: {argv, cwd?, exit?}} → {name: {wall, cpu}} medians in milliseconds, cpu of the whole process tree.
 */
export function alternate(commands, runs) {
  const samples = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let run = -1; run < runs; run++) {
    for (const [name, command] of Object.entries(commands)) {
      const sample = time(command);
      if (run >= 0) samples[name].push(sample);
    }
  }
  return Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [
      name,
      { wall: median(list.map((s) => s.wall)), cpu: median(list.map((s) => s.cpu)) },
    ]),
  );
}

/** Wall and CPU milliseconds of one run; bash's `time` counts the children of children; Node only knows itself. */
export function time({ argv, cwd, exit = [0] }) {
  const result = spawnSync(
    'bash',
    ['-c', 'TIMEFORMAT="%3R %3U %3S"; time "$@" >/dev/null 2>/dev/null', 'bash', ...argv],
    { cwd, env: plainEnvironment(), encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (!exit.includes(result.status)) throw new Error(`exit ${result.status}: ${argv.join(' ')}`);
  const [wall, user, system] = result.stderr.trim().split(/\s+/).slice(-3).map(Number);
  return { wall: wall * 1000, cpu: (user + system) * 1000 };
}

/** Peak memory of one Node process in MiB; measured in a run of its own, because the hook that asks costs a little. */
export function peak(argv, scratch, cwd) {
  const hook = join(scratch, 'peak.cjs');
  const out = join(scratch, 'peak.txt');
  writeFileSync(
    hook,
    `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(out)}, String(process.resourceUsage().maxRSS)))`,
  );
  const result = spawnSync(argv[0], argv.slice(1), {
    cwd,
    env: plainEnvironment({ NODE_OPTIONS: `--require ${hook}` }),
    stdio: 'ignore',
  });
  if (result.status !== 0) throw new Error(`exit ${result.status}: ${argv.join(' ')}`);
  return Number(readFileSync(out, 'utf8')) / 1024;
}

let missed = 0;

/** Prints one figure against its bound. */
export function figure(name, value, unit, bound) {
  const ok = value <= bound;
  if (!ok) missed++;
  const shown = value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0);
  console.log(
    `${ok ? 'ok    ' : 'MISSED'} ${name.padEnd(74)} ${shown.padStart(7)} ${unit.padEnd(4)} (at most ${bound})`,
  );
}

/** A port of the loopback on which nobody listens. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export const missedFigures = () => missed;
