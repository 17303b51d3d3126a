import { chmodSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.js';
import type { ExecStep, Step } from '../../src/job/step.js';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { install, tree, until } from './fixture.js';
import type { Installation } from './fixture.js';

const root = process.getuid?.() === 0;
const precheck = { file: 'lastupdate', fullEvery: 604_800, always: [] };

let site: Installation;
let daemon: Rsyncd;
let upstream: string;
let second = 1e9;

/** Upstream publishes: new files and a marker with a new time. */
function publish(version: string, files: Record<string, string>): void {
  tree(upstream, { ...files, lastupdate: version });
  second += 1000;
  utimesSync(join(upstream, 'lastupdate'), second, second);
}

/** A job's attempts with other steps in place of each of theirs. */
function changed(attempts: Job['attempts'], change: (step: Step) => Step[]): Job['attempts'] {
  return attempts.map((attempt) => ({ ...attempt, steps: attempt.steps.flatMap(change) }));
}

beforeAll(async () => {
  site = install();
  upstream = join(site.root, '../upstream');
  tree(upstream, {});
  daemon = await startRsyncd({
    mirror: { path: upstream },
    // As an upstream's permissions break now and then: the file is listed and cannot be read.
    broken: { path: upstream, options: { 'refuse options': '', uid: 'nobody', gid: 'nogroup' } },
  });
});
afterAll(async () => {
  await daemon.stop();
  site.remove();
});
beforeEach(() => {
  rmSync(upstream, { recursive: true });
  publish('v1', { a: '1', b: '1' });
});

describe('a poisoned precheck', () => {
  test('cannot come from a pass that left files out', async () => {
    const job = (module: string): void =>
      void site.job('arch', { attempts: site.attempts('arch', [daemon.url(module)], { precheck }) });
    job('mirror');
    await site.run('arch');
    publish('v2', { secret: 'not readable for the daemon', c: '2' });
    chmodSync(join(upstream, 'secret'), 0o600);
    job('broken');
    expect((await site.run('arch')).code).toBe(69);
    expect(site.state('arch').last).toMatchObject({ outcome: 'failed', failure: 'transfer' });
    // Everything else is there, but the marker says v1: the next run does not believe that nothing has changed.
    expect(existsSync(join(site.dst('arch'), 'c'))).toBe(true);
    expect(readFileSync(join(site.dst('arch'), 'lastupdate'), 'utf8')).toBe('v1');
    chmodSync(join(upstream, 'secret'), 0o644);
    expect((await site.run('arch')).code).toBe(0);
    expect(site.state('arch').last?.outcome).toBe('synced');
    expect(existsSync(join(site.dst('arch'), 'secret'))).toBe(true);
    expect(readFileSync(join(site.dst('arch'), 'lastupdate'), 'utf8')).toBe('v2');
  });

  test('cannot come from a pass whose exit code accept_exit allows: incomplete, with no fresh success', async () => {
    const acceptExit = { 23: 'upstream hides files' };
    const job = (module: string): void =>
      void site.job('hides', {
        attempts: site.attempts('hides', [daemon.url(module)], { precheck, acceptExit }),
      });
    job('mirror');
    await site.run('hides');
    const { last_success } = site.state('hides');
    publish('v2', { secret: 'x' });
    chmodSync(join(upstream, 'secret'), 0o600);
    job('broken');
    expect((await site.run('hides')).code).toBe(0);
    expect(site.state('hides')).toMatchObject({ errors: 0, last_success, last: { outcome: 'incomplete' } });
    expect(site.state('hides').last?.reason).toBe('exit 23: upstream hides files');
    expect(readFileSync(join(site.dst('hides'), 'lastupdate'), 'utf8')).toBe('v1');
  });

  test('cannot come from an upstream that changes during the pass', async () => {
    const attempts = site.attempts('moving', [daemon.url('mirror')], { precheck });
    site.job('moving', { attempts });
    await site.run('moving');
    publish('v2', { c: '2' });
    // The pass waits after the probe, in its place before rsync, until upstream has published v3.
    const flag = join(site.root, 'go');
    const wait = ['sh', '-c', `touch ${flag}.waits; while ! [ -e ${flag} ]; do sleep 0.02; done`];
    const hook: ExecStep = { kind: 'exec', tool: 'command', argv: wait };
    site.job('moving', {
      attempts: changed(attempts, (step) => (step.kind === 'exec' ? [hook, step] : [step])),
    });
    const running = site.start(['run', '--root', site.root, 'moving']);
    await until(() => existsSync(`${flag}.waits`), 'the pass');
    publish('v3', { d: '3' });
    rmSync(join(upstream, 'a'));
    writeFileSync(flag, '');
    expect((await running.ended).code).toBe(0);
    // dst holds v3, but claims v2 only: the marker was fetched before the pass.
    expect(existsSync(join(site.dst('moving'), 'd'))).toBe(true);
    expect(readFileSync(join(site.dst('moving'), 'lastupdate'), 'utf8')).toBe('v2');
    await site.run('moving');
    expect(site.state('moving').last?.outcome).toBe('synced');
    expect(readFileSync(join(site.dst('moving'), 'lastupdate'), 'utf8')).toBe('v3');
    await site.run('moving');
    expect(site.state('moving').last?.outcome).toBe('unchanged');
  });

  test('cannot come from a lagging twin of upstream after a pass that failed', async () => {
    site.job('twin', { attempts: site.attempts('twin', [daemon.url('mirror')], { precheck }) });
    await site.run('twin');
    publish('v2', { a: '22', late: '2' });
    const attempts = site.attempts('twin', [daemon.url('mirror')], { precheck });
    const half = ['sh', '-c', `echo half > ${site.dst('twin')}/a; exit 23`];
    const failing: ExecStep = { kind: 'exec', tool: 'rsync', argv: half };
    site.job('twin', {
      attempts: changed(attempts, (step) => (step.kind === 'exec' ? [failing] : [step])),
    });
    expect((await site.run('twin')).code).toBe(69);
    // Round robin: the next one asked still has v1, and its marker is the one that dst has.
    rmSync(upstream, { recursive: true });
    second -= 2000;
    publish('v1', { a: '1', b: '1' });
    site.job('twin', { attempts });
    await site.run('twin');
    expect(site.state('twin').last?.outcome).toBe('synced');
    expect(readFileSync(join(site.dst('twin'), 'a'), 'utf8')).toBe('1');
  });

  test('cannot come from a fallback source', async () => {
    const other = tree(join(site.root, '../other'), { a: 'older' });
    utimesSync(join(other, 'a'), 1, 1);
    site.job('two', { attempts: site.attempts('two', [daemon.url('mirror'), other], { precheck }) });
    await site.run('two');
    const dead = { attempts: site.attempts('two', ['rsync://127.0.0.1:1/mirror', other], { precheck }) };
    site.job('two', dead);
    await site.run('two');
    expect(site.state('two').last).toMatchObject({ outcome: 'synced', src: other });
    expect(readFileSync(join(site.dst('two'), 'a'), 'utf8')).toBe('older');
    expect(existsSync(join(site.dst('two'), 'b'))).toBe(true);
    site.job('two', { attempts: site.attempts('two', [daemon.url('mirror'), other], { precheck }) });
    await site.run('two');
    expect(readFileSync(join(site.dst('two'), 'a'), 'utf8')).toBe('1');
  });
});

test('a pass from which files vanished meanwhile goes on to its end, and claims no new marker', async () => {
  const attempts = site.attempts('vanish', [daemon.url('mirror')], { precheck });
  site.job('vanish', { attempts });
  await site.run('vanish');
  publish('v2', { c: '2' });
  const partial: ExecStep = { kind: 'exec', tool: 'rsync', argv: ['sh', '-c', 'exit 24'] };
  site.job('vanish', {
    attempts: changed(attempts, (step) => (step.kind === 'exec' ? [partial, step] : [step])),
  });
  expect((await site.run('vanish')).code).toBe(0);
  expect(site.state('vanish').last).toMatchObject({ outcome: 'partial' });
  expect(existsSync(join(site.dst('vanish'), 'c'))).toBe(true);
  expect(readFileSync(join(site.dst('vanish'), 'lastupdate'), 'utf8')).toBe('v1');
});

test.skipIf(!root)(
  'files that are always refreshed and cannot be are a failure, not "unchanged"',
  async () => {
    const always = { precheck: { ...precheck, always: ['lastsync'] } };
    site.job('always', { attempts: site.attempts('always', [daemon.url('broken')], always) });
    writeFileSync(join(upstream, 'lastsync'), '1');
    await site.run('always');
    await site.run('always');
    expect(site.state('always').last).toMatchObject({ outcome: 'unchanged' });
    const { last_success } = site.state('always');
    writeFileSync(join(upstream, 'lastsync'), '22');
    chmodSync(join(upstream, 'lastsync'), 0o600);
    expect((await site.run('always')).code).toBe(69);
    expect(site.state('always')).toMatchObject({
      last_success,
      errors: 1,
      last: { outcome: 'failed', failure: 'transfer' },
    });
    expect(readFileSync(join(site.dst('always'), 'lastsync'), 'utf8')).toBe('1');
  },
);

test('an outage before a pass could begin leaves dst as whole as it was', async () => {
  const away = join(site.root, 'away');
  const unlessAway = (argv: readonly string[]): string[] => {
    return ['sh', '-c', `[ ! -e ${away} ] || exit 10; exec "$@"`, 'sh', ...argv];
  };
  const attempts = changed(site.attempts('outage', [daemon.url('mirror')], { precheck }), (step) => {
    if (step.kind === 'probe') return [{ ...step, argv: unlessAway(step.argv) }];
    return step.kind === 'exec' ? [{ kind: 'exec', tool: 'rsync', argv: unlessAway(step.argv) }] : [step];
  });
  site.job('outage', { attempts });
  await site.run('outage');
  writeFileSync(away, '');
  expect((await site.run('outage')).code).toBe(69);
  rmSync(away);
  expect((await site.run('outage')).code).toBe(0);
  expect(site.history('outage').map(({ outcome }) => outcome)).toEqual(['synced', 'failed', 'unchanged']);
});

test('a probe that hangs is given up at its own time limit, for the full pass', async () => {
  const attempts = site.attempts('hanging', [daemon.url('mirror')], { precheck });
  site.job('hanging', {
    attempts: changed(attempts, (step) =>
      step.kind === 'probe' ? [{ ...step, argv: ['sleep', '1000'], timeout: 1 }] : [step],
    ),
  });
  expect((await site.run('hanging')).code).toBe(0);
  expect(site.state('hanging').last?.outcome).toBe('synced');
  expect(site.log('hanging')).toContain('cannot be told: full pass');
});

test('an unchanged marker is not believed when a change of the config brings other files', async () => {
  const job = (exclude: string[]): void =>
    void site.job('wider', {
      attempts: site.attempts('wider', [daemon.url('mirror')], { precheck, options: { exclude } }),
    });
  job(['/b']);
  await site.run('wider');
  await site.run('wider');
  expect(site.state('wider').last?.outcome).toBe('unchanged');
  expect(existsSync(join(site.dst('wider'), 'b'))).toBe(false);
  job([]);
  await site.run('wider');
  expect(site.state('wider').last?.outcome).toBe('synced');
  expect(existsSync(join(site.dst('wider'), 'b'))).toBe(true);
  await site.run('wider');
  expect(site.state('wider').last?.outcome).toBe('unchanged');
});

test('an unchanged marker is not believed for longer than full_every', async () => {
  const attempts = site.attempts('old', [daemon.url('mirror')], {
    precheck: { ...precheck, fullEvery: 3600 },
  });
  site.job('old', { attempts });
  await site.run('old');
  writeFileSync(join(upstream, 'unannounced'), 'x');
  await site.run('old');
  expect(site.state('old').last?.outcome).toBe('unchanged');
  // Nor when the clock went back: nobody knows how long ago the last full pass was.
  for (const shift of [-3_600_000, 60_000]) {
    const state = site.state('old');
    const shifted = { ...state, last_full: (state.last_full ?? 0) + shift };
    writeFileSync(site.layout.stateFile('old'), JSON.stringify(shifted));
    await site.run('old');
    expect(site.state('old').last?.outcome).toBe('synced');
  }
  expect(existsSync(join(site.dst('old'), 'unannounced'))).toBe(true);
});

test('an upstream without the marker is simply synced in full', async () => {
  rmSync(join(upstream, 'lastupdate'));
  site.job('bare', { attempts: site.attempts('bare', [daemon.url('mirror')], { precheck }) });
  expect((await site.run('bare')).code).toBe(0);
  expect(site.state('bare').last?.outcome).toBe('synced');
});
