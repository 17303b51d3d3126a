import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isThere, removeIfThere } from '../../src/system/if-there.js';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-if-there-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

test('what is not there need not be removed', () => {
  const path = join(directory, 'none');
  expect([isThere(path), removeIfThere(path)]).toEqual([false, false]);
  writeFileSync(path, 'text\n');
  expect([isThere(path), removeIfThere(path), existsSync(path)]).toEqual([true, true, false]);
});

test('whatever else goes wrong is no absence', () => {
  const path = join(directory, 'directory');
  mkdirSync(path);
  expect(() => removeIfThere(path)).toThrow(/EISDIR|EPERM/);
});

test('a link that leads nowhere is there, and below a file nothing is', () => {
  symlinkSync('nowhere', join(directory, 'link'));
  writeFileSync(join(directory, 'file'), '');
  expect([isThere(join(directory, 'link')), isThere(join(directory, 'file/below'))]).toEqual([true, false]);
});
