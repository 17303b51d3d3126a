import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { printLog } from '../../src/commands/log-output.js';
import { applies, runs } from '../../src/commands/history-report.js';
import { JOB_FORMAT } from '../../src/job/job.js';
import type { Layout } from '../../src/job/layout.js';
import { appendHistory } from '../../src/state/history.js';
import { emptyState } from '../../src/state/package-state.js';
import { runEnded, runStarted } from '../../src/state/reduce.js';
import { writeState } from '../../src/state/store.js';
import { outputOf, type Ran } from './output-of.js';
import { aPackage, aRecord, aRun, HOUR, makeSite, NOON } from './site.js';

let layout: Layout;

beforeEach(() => {
  ({ layout } = makeSite([aPackage('debian'), aPackage('CTAN')]));
  const job = { format: JOB_FORMAT, id: 'debian', log: { base: layout.root } };
  writeFileSync(layout.job('debian'), JSON.stringify(job));
});
afterEach(() => rmSync(layout.root, { recursive: true }));

describe('mirror logs', () => {
  const log = (name: string): string => `${layout.root}/${name}.log`;

  /** Three runs: one with a compressed log, one that dropped it, one that failed. */
  function threeRuns(): void {
    writeFileSync(`${log('first')}.gz`, gzipSync('first\n'));
    writeFileSync(log('third'), 'third\n');
    const records = [
      aRecord('synced', NOON - 3 * HOUR, { log: `${log('first')}.gz` }),
      aRecord('unchanged', NOON - 2 * HOUR, { log: null }),
      aRecord('failed', NOON - HOUR, { log: log('third') }),
    ];
    for (const record of records) appendHistory(layout, 'debian', record);
    writeState(
      layout,
      records.reduce((state, record) => runEnded(state, record), emptyState('debian')),
    );
  }

  test('prints the last log that was kept, an older one, or where it is', async () => {
    threeRuns();
    expect((await logs({})).stdout).toBe('third\n');
    expect((await logs({ run: 2 })).stdout).toBe('first\n');
    expect((await logs({ 'last-error': true })).stdout).toBe('third\n');
    expect((await logs({ path: true })).stdout).toBe(`${log('third')}\n`);
    expect(JSON.parse((await logs({ json: true })).stdout)).toEqual({
      format: 'mirror/logs/1',
      id: 'debian',
      path: log('third'),
    });
  });

  test('finds a log that was compressed after its name was written down', async () => {
    threeRuns();
    rmSync(log('third'));
    writeFileSync(`${log('third')}.gz`, gzipSync('third, smaller\n'));
    expect((await logs({})).stdout).toBe('third, smaller\n');
  });

  test.each([
    [{ run: 3 }, 66, 'no such log'],
    [{ run: 0 }, 64, 'counts from 1'],
    [{ id: 'debain' }, 66, 'did you mean `debian`'],
    [{ id: 'CTAN' }, 66, 'CTAN has no such log'],
  ])('%j cannot be shown', async (options, exit, message) => {
    threeRuns();
    expect(await logs(options)).toMatchObject({ exit, message: expect.stringContaining(message) as string });
  });

  test('a terminal gets what could drive it written out, a pipe the bytes as they are', async () => {
    threeRuns();
    const text = 'esc\u001b[31mred\u202e.txt\tübel\r\n';
    writeFileSync(log('third'), text);
    const { isTTY } = process.stdout;
    try {
      process.stdout.isTTY = false;
      expect((await logs({})).stdout).toBe(text);
      process.stdout.isTTY = true;
      expect((await logs({})).stdout).toBe('esc\\x1b[31mred\\u202e.txt\tübel\\x0d\n');
    } finally {
      process.stdout.isTTY = isTTY;
    }
  });

  test('says when a log was pruned', async () => {
    threeRuns();
    rmSync(log('third'));
    expect(await logs({})).toMatchObject({
      exit: 66,
      message: expect.stringContaining('logger.keep') as string,
    });
  });

  test.each([
    ['outside of the log folders', '/etc/passwd'],
    ['that a path leads out to', '/etc/../etc/passwd'],
    ['that a link leads out to', 'link'],
    ['that is a directory', 'folder'],
    ['that is a FIFO', 'fifo'],
  ])('a file %s is not shown, whatever the state names', async (_, name) => {
    const base = `${layout.root}/log`;
    mkdirSync(`${base}/folder`, { recursive: true });
    symlinkSync('/etc/passwd', `${base}/link`);
    spawnSync('mkfifo', [`${base}/fifo`]);
    const job = { format: JOB_FORMAT, id: 'debian', log: { base } };
    writeFileSync(layout.job('debian'), JSON.stringify(job));
    const path = name.startsWith('/') ? name : `${base}/${name}`;
    writeState(layout, runEnded(emptyState('debian'), aRecord('failed', NOON, { log: path })));
    for (const choice of [{}, { follow: true }, { path: true }, { 'last-error': true }]) {
      expect(await logs(choice)).toMatchObject({ exit: 77, stdout: '' });
    }
  });

  test('a log that was damaged is an error of the disk, not a bug', async () => {
    threeRuns();
    writeFileSync(`${log('first')}.gz`, gzipSync('first\n').subarray(0, 12));
    expect(await logs({ run: 2 })).toMatchObject({
      exit: 74,
      message: expect.stringContaining('first.log.gz') as string,
    });
  });

  test('follows a run to its end, through the compression of its log', async () => {
    const path = log('now');
    writeFileSync(path, 'begun\n');
    const running = runStarted(emptyState('debian'), aRun({ log: path }), NOON);
    writeState(layout, running);
    const following = logs({ follow: true });
    await sleep(300);
    appendFileSync(path, 'going on\n');
    await sleep(300);
    appendFileSync(path, 'the end\n');
    renameSync(path, `${path}.old`);
    writeState(layout, runEnded(running, aRecord('synced', NOON, { log: `${path}.gz` })));
    expect((await following).stdout).toBe('begun\ngoing on\nthe end\n');
  });

  test('follows a long run without a warning of Node’s', async () => {
    const warnings: string[] = [];
    const warned = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', warned);
    const path = log('long');
    writeFileSync(path, '');
    const running = runStarted(emptyState('debian'), aRun({ log: path }), NOON);
    writeState(layout, running);
    let heard = '';
    const following = logs({ follow: true }, (text) => (heard += text));
    const lines = Array.from({ length: 12 }, (_, i) => `line ${String(i)}\n`);
    for (const line of lines) {
      appendFileSync(path, line);
      await vi.waitUntil(() => heard.endsWith(line), { timeout: 20_000 });
    }
    writeState(layout, runEnded(running, aRecord('synced', NOON, { log: path })));
    expect((await following).stdout).toBe(lines.join(''));
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });

  test('a run whose executor died is not followed for ever', async () => {
    writeFileSync(log('dead'), 'last words\n');
    writeState(layout, runStarted(emptyState('debian'), aRun({ log: log('dead'), pid_start: 1 }), NOON));
    appendHistory(layout, 'debian', aRecord('synced', NOON, { log: log('dead') }));
    expect((await logs({ follow: true })).stdout).toBe('last words\n');
  });

  function logs(options: object, hear?: (text: string) => void): Promise<Ran> {
    const none = { 'last-error': false, path: false, follow: false, json: false };
    return outputOf(() => printLog({ id: 'debian', root: layout.root, ...none, ...options }), hear);
  }
});

describe('mirror history', () => {
  beforeEach(() => {
    const transfer = {
      files: 3,
      total_bytes: 10,
      transferred_files: 1,
      transferred_bytes: 5,
      received_bytes: 1_300_000,
      deleted: 2,
      speedup: 2,
    };
    appendHistory(layout, 'debian', aRecord('synced', NOON, { transfer }));
    appendHistory(
      layout,
      'CTAN',
      aRecord('failed', NOON - HOUR, { reason: 'connection refused', started: NOON - 2 * HOUR }),
    );
    appendHistory(layout, 'debian', aRecord('stopped', NOON + HOUR, { trigger: 'request' }));
  });

  test('lists the runs of all packages by their end, in the site’s time', async () => {
    expect((await history({})).stdout).toBe(`\
ENDED                PACKAGE  OUTCOME              TOOK   FILES  RECEIVED  WHY       NOTE
2026-11-22 20:00:00  CTAN     failed(unavailable)  1 h    -      -         schedule  connection refused
2026-11-22 21:00:00  debian   synced               1 min  +1 -2  1.2 MiB   schedule
2026-11-22 22:00:00  debian   stopped              1 min  -      -         request
`);
  });

  test('lists one package, the newest N, or JSON', async () => {
    expect((await history({}, 'CTAN')).stdout.trimEnd().split('\n')).toHaveLength(2);
    expect((await history({ number: 1 })).stdout).toContain('stopped');
    expect((await history({ number: 1 })).stdout).not.toContain('synced');
    const report = JSON.parse((await history({ json: true, number: 0 })).stdout) as { runs: object[] };
    expect(report).toMatchObject({ format: 'mirror/history/1' });
    expect(report.runs).toHaveLength(3);
    expect(report.runs[0]).toMatchObject({
      id: 'CTAN',
      outcome: 'failed',
      ended: '2026-11-22T11:00:00.000Z',
    });
  });

  test('refuses a number that is none, and an unknown package', async () => {
    expect(await history({ number: 1.5 })).toMatchObject({ exit: 64 });
    expect(await history({ number: NaN })).toMatchObject({ exit: 64 });
    expect(await history({}, 'ctan')).toMatchObject({
      exit: 66,
      message: expect.stringContaining('`CTAN`') as string,
    });
  });

  test('--apply lists who applied what', async () => {
    const record = {
      format: 'mirror/applied/1',
      at: NOON,
      by: 'kim',
      config: '/etc/mirror/config.json',
      revision: '0123456789abcdef0123',
      dirty: true,
      packages: { new: 1, changed: 1, removed: 0 },
      files: { written: 5, deleted: 0 },
      ids: ['+debian', '~CTAN'],
    };
    writeFileSync(layout.applyHistory, `${JSON.stringify(record)}\n`);
    const { stdout } = await outputOf(() => applies({ root: layout.root, json: false, number: 20 }));
    expect(stdout).toMatch(
      /\n2026-11-22 21:00:00 {2}kim {2}0123456789ab\+ {2}5 written, 0 deleted {2}\+debian ~CTAN\n$/,
    );
    const json = await outputOf(() => applies({ root: layout.root, json: true, number: 20 }));
    expect(JSON.parse(json.stdout)).toEqual({
      format: 'mirror/apply-history/1',
      applies: [{ ...record, at: '2026-11-22T12:00:00.000Z' }],
    });
  });

  function history(options: object, id?: string): Promise<Ran> {
    return outputOf(() => runs({ root: layout.root, json: false, number: 20, ...options }, id));
  }
});
