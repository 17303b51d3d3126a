import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSmallFile, readSmallText, UnfitFile } from '../../src/boundary/small-file.js';

let directory: string;
const at = (name: string): string => join(directory, name);
const rules = { limitBytes: 1000 };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'small-file-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Why a path is not read. */
function unfit(path: string, more: object = {}): string {
  try {
    readSmallFile(path, { ...rules, ...more });
  } catch (error) {
    if (error instanceof UnfitFile) return error.unfit;
    throw error;
  }
  return 'read';
}

describe('a small file that another user could have made', () => {
  test('is read whole, also at exactly its limit', () => {
    writeFileSync(at('a'), 'x'.repeat(1000));
    expect(readSmallText(at('a'), rules)).toBe('x'.repeat(1000));
    writeFileSync(at('empty'), '');
    expect(readSmallText(at('empty'), rules)).toBe('');
  });

  test('is null when nothing is there', () => {
    expect(readSmallFile(at('none'), rules)).toBeNull();
    writeFileSync(at('file'), '');
    expect(readSmallFile(at('file/below'), rules)).toBeNull();
  });

  test('is never followed through a link', () => {
    writeFileSync(at('a'), 'x');
    symlinkSync('a', at('link'));
    expect(unfit(at('link'))).toBe('link');
    expect(unfit(at('link'), { followLink: true })).toBe('read');
  });

  test('makes nobody wait: a FIFO, a device, a socket and a directory are refused at once', async () => {
    spawnSync('mkfifo', [at('fifo')]);
    expect(unfit(at('fifo'))).toBe('special file');
    expect(unfit('/dev/zero')).toBe('special file');
    mkdirSync(at('directory'));
    expect(unfit(at('directory'))).toBe('directory');
    const server = createServer();
    await new Promise<void>((done) => server.listen(at('socket'), done));
    expect(unfit(at('socket'))).toBe('special file');
    await new Promise((done) => server.close(done));
  });

  test('is not read beyond its limit, whatever size it claims', () => {
    writeFileSync(at('large'), 'x'.repeat(1001));
    expect(unfit(at('large'))).toBe('too large');
    writeFileSync(at('sparse'), '');
    truncateSync(at('sparse'), 2 ** 40);
    expect(unfit(at('sparse'))).toBe('too large');
    // Files of /proc claim to be empty.
    expect(unfit('/proc/self/maps', { limitBytes: 10 })).toBe('too large');
    expect(readSmallText('/proc/self/comm', rules)).toMatch(/\n$/);
  });

  test.runIf(process.getuid?.() === 0)('may be asked to have an owner', () => {
    writeFileSync(at('a'), 'x');
    chownSync(at('a'), 12345, 12345);
    expect(unfit(at('a'), { owners: [0] })).toBe('foreign owner');
    expect(unfit(at('a'), { owners: [12345] })).toBe('read');
  });
});
