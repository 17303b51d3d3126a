import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { layout as layoutOf } from '../../src/job/layout.js';
import { ENTRY } from '../run/fixture.js';
import { seededRandom, TRIALS } from '../support/random.js';
import { settingsBelow, siteConfig } from '../support/site-config.js';

const LANES = 4;
/** A kill comes at most this much later than the last whole command took. */
const LATEST = 1.2;

const base = mkdtempSync(join(tmpdir(), 'mirror-apply-kill-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly said: string;
  readonly tookMs: number;
}

/** One site below a directory of its own, and what its config says now. */
interface Lane {
  readonly root: string;
  /** Package id → number of its file, which its command writes; ids change by renames. */
  readonly packages: Map<string, number>;
  renames: Map<string, string>;
  /** Ends the command after `killAfterMs`. */
  mirror(args: readonly string[], killAfterMs?: number): Promise<Ended>;
}

function makeLane(number: number): Lane {
  const root = join(base, String(number));
  mkdirSync(join(root, 'srv'), { recursive: true });
  mkdirSync(join(root, 'www'));
  return {
    root,
    packages: new Map([['first', 0]]),
    renames: new Map(),
    mirror: (args, killAfterMs) =>
      new Promise((done) => {
        const began = Date.now();
        const child = spawn(process.execPath, [ENTRY, ...args, '--root', root]);
        let said = '';
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding('utf8').on('data', (text: string) => (said += text));
        const timer =
          killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
        child.on('close', (code) => {
          clearTimeout(timer);
          done({ code, said, tookMs: Date.now() - began });
        });
      }),
  };
}

function writeConfig({ root, packages, renames }: Lane, version: number): string {
  const path = join(root, 'config.json');
  const entries = [...packages].map(([id, every]) => [
    id,
    {
      id,
      name: id,
      href: `/${id}`,
      synctype: 'command',
      syncrate: `PT${String(1 + ((every + version) % 20))}H`,
      ...NO_LINKS,
      guard: { min_free: '0%' },
      ...(renames.has(id) && { renamed_from: renames.get(id) }),
      settings: {
        hidden: false,
        src: '',
        dst: `${root}/srv/${String(every)}`,
        options: { command: ['sh', '-c', 'echo done >file'] },
      },
    },
  ]);
  const settings = { ...settingsBelow(root), scheduler: 'crontab' };
  writeFileSync(path, JSON.stringify(siteConfig(Object.fromEntries(entries) as object, settings)));
  return path;
}

/** eslint takes the key for a method of strings that is out of use. */
const NO_LINKS = { ['link']: [] };

/** Adds, removes or renames a package; the schedule of all changes with the version. */
function change(lane: Lane, version: number, next: () => number): void {
  const ids = [...lane.packages.keys()];
  const chosen = ids[Math.floor(next() * ids.length)] ?? 'first';
  lane.renames = new Map();
  const what = next();
  if (ids.length < 3 || what < 0.4) lane.packages.set(`p${String(version)}`, version);
  else if (what < 0.6) lane.packages.delete(chosen);
  else if (what < 0.9) {
    lane.packages.set(`r${String(version)}`, lane.packages.get(chosen) ?? 0);
    lane.packages.delete(chosen);
    lane.renames.set(`r${String(version)}`, chosen);
  }
}

/** Every JSON file below a lane is whole. */
function assertWhole({ root }: Lane, when: string): void {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  for (const name of names.filter((each) => /(^|\/)[^.][^/]*\.json$/.test(each))) {
    const path = join(root, name);
    // A run's last words, or those of the publisher that it started, may still be on their way.
    if (!existsSync(path)) continue;
    expect(() => JSON.parse(readFileSync(path, 'utf8')) as unknown, `${path} ${when}`).not.toThrow();
  }
}

/** What is installed is what a compile of the config gives: no file too many, none too few, none old. */
function assertInstalled(lane: Lane, config: string, when: string): void {
  const out = join(lane.root, 'compiled');
  rmSync(out, { recursive: true, force: true });
  const args = [ENTRY, 'compile', '-c', config, '--out', out, '--root', lane.root];
  const compiled = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(compiled.status, compiled.stderr).toBe(0);
  const jobs = layoutOf(lane.root).compiled;
  expect(readdirSync(join(jobs, 'jobs')).sort(), when).toEqual(
    [...lane.packages.keys()].map((id) => `${id}.json`).sort(),
  );
  const { stdout } = spawnSync(
    'diff',
    ['-r', join(out, jobs.slice(lane.root.length), 'jobs'), join(jobs, 'jobs')],
    {
      encoding: 'utf8',
    },
  );
  expect(stdout, when).toBe('');
}

test(
  `${String(TRIALS)} kill -9 of apply or run at random moments: the next apply heals, and no state is lost`,
  async () => {
    const seen = { apply: 0, run: 0, tooLate: 0 };
    const work = async (number: number): Promise<void> => {
      const next = seededRandom(1000 + number);
      const lane = makeLane(number);
      const tookMs = { apply: 600, run: 300 };
      expect(await lane.mirror(['apply', '-c', writeConfig(lane, 0)])).toMatchObject({ code: 0 });
      for (let trial = 1; trial <= TRIALS / LANES; trial++) {
        const when = `in trial ${String(trial)} of lane ${String(number)}`;
        const [ran = 'first'] = [...lane.packages.keys()];
        const had = stateOf(lane, ran);
        change(lane, trial, next);
        const config = writeConfig(lane, trial);
        const apply = ['apply', '-c', config, '--allow-removals', '5'];
        const kind = next() < 0.7 ? 'apply' : 'run';
        const args = kind === 'apply' ? apply : ['run', ran];
        const killed = await lane.mirror(args, next() * LATEST * tookMs[kind]);
        if (killed.code === null) seen[kind] += 1;
        else seen.tooLate += 1;
        assertWhole(lane, when);
        const healed = await lane.mirror(apply);
        expect(`${String(healed.code)} ${healed.said}`, when).toMatch(/^0 /);
        tookMs.apply = healed.tookMs;
        assertWhole(lane, `${when}, healed`);
        if (trial % 8 === 0) assertInstalled(lane, config, when);
        const again = await lane.mirror(['plan', '-c', config, '--detailed-exitcode']);
        expect(`${String(again.code)} ${again.said}`, when).toMatch(/^0 /);
        expect(existsSync(join(layoutOf(lane.root).compiled, 'journal.json')), when).toBe(false);
        // A success that was recorded before is still known, under the new id as well.
        const now = [...lane.renames].find(([, old]) => old === ran)?.[0] ?? ran;
        if (had !== null && lane.packages.has(now))
          expect(stateOf(lane, now), when).toBeGreaterThanOrEqual(had);
        if (trial % 3 !== 0) continue;
        const [id = 'first'] = [...lane.packages.keys()];
        const run = await lane.mirror(['run', id]);
        expect(`${String(run.code)} ${run.said}`, when).toMatch(/^0 /);
        tookMs.run = run.tookMs;
      }
    };
    await Promise.all(Array.from({ length: LANES }, (_, number) => work(number)));
    // The trials must have hit something.
    expect(seen.apply).toBeGreaterThan(TRIALS / 4);
    expect(seen.run).toBeGreaterThan(TRIALS / 20);
  },
  TRIALS * 6000,
);

/** Time of a package's last success, or null. */
function stateOf({ root }: Lane, id: string): number | null {
  const path = layoutOf(root).stateFile(id);
  if (!existsSync(path)) return null;
  return (JSON.parse(readFileSync(path, 'utf8')) as { last_success: number | null }).last_success;
}
