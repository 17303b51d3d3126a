import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.js';
import { install } from './fixture.js';
import type { Installation } from './fixture.js';

// An upstream decides how much its tool prints: names times -v, messages without end.

let site: Installation;
let log: Job['log'];

beforeAll(() => {
  site = install();
  log = { ...site.job('any').log, max_size: 1_000_000 };
});
afterAll(() => site.remove());

const REASON = 'the log is larger than 1.0 MiB (`logger.max_size`)';

test('a tool that prints without end is ended, and its log keeps its beginning', async () => {
  site.script('loud', 'echo first words; exec cat /dev/zero', { log });
  const { code, stdout } = await site.run('loud');
  expect(code).toBe(73);
  expect(stdout).toContain(`loud: failed (log): ${REASON}`);
  expect(site.state('loud').last).toMatchObject({ outcome: 'failed', failure: 'log', reason: REASON });
  expect(statSync(site.state('loud').last?.log ?? '').size).toBeLessThan(1_001_000);
  const text = site.log('loud');
  expect(text).toContain('first words\n');
  expect(text.slice(-400)).toMatch(
    /WARNING # the rest of this log is cut off\n.*ERROR # failed \(log\): .*\n$/,
  );
});

test('a tool that ends by itself before anybody looks is no success', async () => {
  site.script('quick', 'head -c 1100000 /dev/zero', { log });
  expect((await site.run('quick')).code).toBe(73);
  expect(site.state('quick')).toMatchObject({ last: { failure: 'log' }, last_success: null });
});

test('what a tool wrote into logs of its own counts', async () => {
  const logs = join(site.root, 'own-logs');
  const argv = ['sh', '-c', `mkdir -p ${logs}; head -c 3000000 /dev/zero > ${logs}/big.log`];
  const steps = [{ kind: 'exec', tool: 'command', argv, gather: logs }] as const;
  site.job('own', { log, attempts: [{ src: '', upstream: null, steps }] });
  expect((await site.run('own')).code).toBe(73);
  expect(statSync(site.state('own').last?.log ?? '').size).toBeLessThan(1_001_000);
});

test('jobs of earlier versions have a limit of 1 GiB', async () => {
  site.script('old', 'head -c 2000000 /dev/zero', {});
  expect((await site.run('old')).code).toBe(0);
});

test('a pipe where the log is to be fails the run at once', async () => {
  const path = join(log.base, 'fixed.log');
  mkdirSync(dirname(path), { recursive: true });
  execFileSync('mkfifo', [path]);
  site.script('piped', 'touch $F/ran; yes', { log: { ...log, folder: '.', filename: 'fixed.log' } });
  expect(await site.run('piped')).toMatchObject({ code: 74 });
  expect(site.state('piped').last?.reason).toBe(`${path} is not a regular file`);
  expect(existsSync(join(site.root, 'flags/ran'))).toBe(false);
});
