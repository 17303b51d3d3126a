import { spawnSync, type StdioOptions } from 'node:child_process';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JOB_FORMAT } from '../../src/job/job.js';
import type { Layout } from '../../src/job/layout.js';
import { appendHistory } from '../../src/state/history.js';
import { emptyState } from '../../src/state/package-state.js';
import { runEnded } from '../../src/state/reduce.js';
import { writeState } from '../../src/state/store.js';
import { aPackage, aRecord, HOUR, makeSite } from './site.js';

/** The built program: how it reads its arguments, and how it exits. */
const MIRROR = fileURLToPath(new URL('../../dist/mirror.cjs', import.meta.url));

let layout: Layout;

beforeAll(() => {
  ({ layout } = makeSite([aPackage('debian'), aPackage('CTAN')]));
  const job = { format: JOB_FORMAT, id: 'debian', log: { base: layout.root } };
  writeFileSync(layout.job('debian'), JSON.stringify(job));
  writeFileSync(`${layout.root}/debian.log`, 'as the tool said it\n');
  const record = aRecord('failed', Date.now() - HOUR, {
    log: `${layout.root}/debian.log`,
    reason: 'refused',
  });
  appendHistory(layout, 'debian', record);
  writeState(layout, runEnded(emptyState('debian'), record));
});
afterAll(() => rmSync(layout.root, { recursive: true }));

test.each<[string[], number, string]>([
  [['status'], 0, 'debian   failed     never         1       refused\n'],
  [['status', 'CTAN', 'debian'], 0, 'CTAN     never ran'],
  [['status', '--json', 'CTAN'], 0, '"format": "mirror/status/1"'],
  [['status', '--check'], 1, 'MIRROR WARNING - 0 of 2 packages fine; debian failed (refused)'],
  [['status', '--check', '--max-age', 'PT1H', 'CTAN'], 1, 'MIRROR WARNING'],
  [['history', '-n', '1'], 0, 'failed(unavailable)'],
  [['history', 'CTAN', '--json'], 0, '"runs": []'],
  [['history', '--apply'], 0, 'APPLIED'],
  [['logs', 'debian'], 0, 'as the tool said it\n'],
  [['logs', 'debian', '--last-error', '--path'], 0, 'debian.log\n'],
  [['logs', 'debian', '--run', '1'], 0, 'as the tool said it\n'],
  [['hold', 'CTAN', '--until', 'PT1H', '--reason', 'because'], 0, 'CTAN: held until '],
  [['unhold', '--all'], 0, 'CTAN: released\n'],
])('mirror %j', (args, exit, printed) => {
  const { status, stdout, stderr } = mirror(args);
  expect(stderr).toBe('');
  expect(stdout).toContain(printed);
  expect(status).toBe(exit);
});

test('mirror publish says whose hold is over', () => {
  mirror(['hold', 'CTAN']);
  mirror(['unhold', 'CTAN']);
  expect(mirror(['publish'])).toMatchObject({ status: 0, stderr: 'mirror: CTAN: its hold is over\n' });
  expect(mirror(['publish'])).toMatchObject({ status: 0, stderr: '' });
});

test.each<[string[], number, string]>([
  [['status', 'debain'], 66, 'did you mean `debian`?'],
  [['logs', 'debian', '--run', '1', '--last-error'], 64, 'mutually exclusive'],
  [['logs'], 64, 'Not enough'],
  [['logs', 'CTAN'], 66, 'no such log'],
  [['hold'], 64, 'name packages, or --all'],
  [['hold', 'CTAN', '--until', '2001-01-01'], 64, 'not in the future'],
  [['history', '-n', 'many'], 64, 'whole number'],
  [['status', '--check', '--max-age', '3h'], 64, 'PT36H'],
  [['status', '--cheque'], 64, 'cheque'],
])('mirror %j is refused', (args, exit, message) => {
  const { status, stdout, stderr } = mirror(args);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('bug in mirror');
  expect(status).toBe(exit);
});

test.each<string[][]>([
  [['status']],
  [['status', '--json']],
  [['history']],
  [['logs', 'debian']],
  [['--help']],
])('mirror %j with nowhere to print says so in a line', (args) => {
  writeFileSync(`${layout.root}/debian.log`, `${'more than a stream takes at once'.repeat(4096)}\n`);
  const stdout = openSync('/dev/full', 'w');
  try {
    const { status, stderr } = mirror(args, ['ignore', stdout, 'pipe']);
    expect(stderr).toBe('mirror: stdout: ENOSPC: no space left on device, write\n');
    expect(status).toBe(73);
  } finally {
    writeFileSync(`${layout.root}/debian.log`, 'as the tool said it\n');
    closeSync(stdout);
  }
});

test.each(['status', 'history', 'logs', 'hold', 'unhold'])('mirror %s --help shows an example', (command) => {
  expect(mirror([command, '--help']).stdout).toMatch(/Examples:\n +mirror /);
});

test('every line of the examples can be copied from a terminal of 80 columns', () => {
  const long: [string, string][] = [
    ['crontab', 'crontab -l | mirror crontab -u ftp --merge | crontab -'],
    ['diff', 'mirror diff --git main..HEAD'],
    ['push', 'mirror push debian --authorized-keys upstream.pub'],
  ];
  for (const [command, line] of long)
    expect(mirror([command, '--help']).stdout).toMatch(
      new RegExp(`^ +${line.replaceAll('|', '\\|')}( |$)`, 'm'),
    );
});

function mirror(
  args: readonly string[],
  stdio: StdioOptions = 'pipe',
): ReturnType<typeof spawnSync> & { stdout: string; stderr: string } {
  const env = { ...process.env, NO_COLOR: '1' };
  delete (env as NodeJS.ProcessEnv).NODE_EXTRA_CA_CERTS;
  return spawnSync(process.execPath, [MIRROR, ...args, '--root', layout.root], {
    encoding: 'utf8',
    env,
    stdio,
  });
}
