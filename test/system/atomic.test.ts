import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeFileAtomic } from '../../src/system/atomic.js';

let directory: string;
const at = (name: string): string => join(directory, name);
const modeOf = (name: string): number => lstatSync(at(name)).mode & 0o7777;
const asRoot = process.getuid?.() === 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'atomic-'));
  writeFileSync(at('program'), 'a program');
  if (asRoot) chownSync(at('program'), 12345, 12345);
  chmodSync(at('program'), 0o6777);
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a replaced file keeps its mode and owner, but no set-id bit and no write for others', () => {
  writeFileAtomic(at('program'), 'new');
  expect(modeOf('program')).toBe(0o775);
  if (asRoot) expect(lstatSync(at('program')).uid).toBe(12345);
});

test.each(['link', 'second name'])('a %s lends the new file neither mode nor owner', (kind) => {
  if (kind === 'link') symlinkSync('program', at('status.json'));
  else linkSync(at('program'), at('status.json'));
  writeFileAtomic(at('status.json'), 'new');
  expect(lstatSync(at('status.json')).isFile()).toBe(true);
  expect(modeOf('status.json')).toBe(0o644);
  expect(lstatSync(at('status.json')).uid).toBe(process.getuid?.());
  expect([readFileSync(at('program'), 'utf8'), modeOf('program')]).toEqual(['a program', 0o6777]);
  expect(readdirSync(directory).sort()).toEqual(['program', 'status.json']);
});
