import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gatherLogs } from '../../src/run/special/gather-logs.js';
import type { LogFile } from '../../src/run/log-file.js';

let root: string;
let fd: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mirror-gather-'));
  mkdirSync(join(root, 'logs'));
  fd = openSync(join(root, 'run.log'), 'w+');
});

afterEach(() => {
  closeSync(fd);
  rmSync(root, { recursive: true, force: true });
});

/** A log file as a tool leaves it, last written `age` seconds before the test's start of the tool. */
const START = Date.now();
function toolLog(name: string, text: string, age: number): void {
  const path = join(root, 'logs', name);
  writeFileSync(path, text);
  const at = (START - age * 1000) / 1000;
  utimesSync(path, at, at);
}

function gathered(): string {
  const note = (_: string, message: string): void => writeFileSync(fd, `${message}\n`);
  gatherLogs(join(root, 'logs'), { fd, note, room: () => Infinity } as unknown as LogFile, START);
  return readFileSync(join(root, 'run.log'), 'utf8');
}

test("a tool's logs follow each other in the order in which they were written last", () => {
  toolLog('a-summary.log', 'done\n', -2);
  toolLog('rsync.log', 'no line end', -1);
  expect(gathered()).toBe('rsync.log:\nno line end\na-summary.log:\ndone\n');
});

test('what the tool wrote in earlier runs is left out, and so is what is empty', () => {
  toolLog('sync.log.1', 'yesterday\n', 3600);
  toolLog('sync.log.0', 'today\n', -1);
  toolLog('sync.error', '', -1);
  expect(gathered()).toBe('sync.log.0:\ntoday\n');
});

test('a log larger than one read is copied whole; a directory and a pipe do not stop anything', () => {
  const lines = 'pool/main/d/dpkg/dpkg_1.22.6_amd64.deb\n'.repeat(10_000);
  toolLog('rsync.log', lines, -1);
  mkdirSync(join(root, 'logs/old'));
  execFileSync('mkfifo', [join(root, 'logs/pipe')]);
  expect(gathered()).toContain(`rsync.log:\n${lines}`);
});
