import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readIfThere, removeIfThere } from '../../src/system/if-there.js';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-if-there-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

test('what is not there is read as nothing and need not be removed', () => {
  const path = join(directory, 'none');
  expect([readIfThere(path), removeIfThere(path)]).toEqual([null, false]);
  writeFileSync(path, 'text\n');
  expect([readIfThere(path), removeIfThere(path), existsSync(path)]).toEqual(['text\n', true, false]);
});

test('whatever else goes wrong is no absence', () => {
  const path = join(directory, 'directory');
  mkdirSync(path);
  expect(() => readIfThere(path)).toThrow('EISDIR');
  expect(() => removeIfThere(path)).toThrow(/EISDIR|EPERM/);
  writeFileSync(join(directory, 'file'), '');
  expect(() => readIfThere(join(directory, 'file/below'))).toThrow('ENOTDIR');
});
