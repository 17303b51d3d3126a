import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const DIST = join(import.meta.dirname, '../dist');

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-precompiled-'));
  for (const name of ['mirror.cjs', 'precompile.cjs']) copyFileSync(join(DIST, name), join(directory, name));
  for (const name of ['special', 'publish', 'control']) bundle(name, 'never called');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('the build compiles what starts often for its own Node', () => {
  const kind = `${process.version}-${process.arch}.cache`;
  expect(readdirSync(DIST)).toEqual(
    expect.arrayContaining(
      ['run', 'special', 'publish', 'control'].map((name) => `${name}.cjs.${kind}`),
    ) as string[],
  );
});

test('what was compiled is what runs: V8 knows a source by its length alone', () => {
  bundle('run', 'one');
  precompile();
  bundle('run', 'two');
  aged('run');
  expect(run()).toBe('one\n');
});

test('a bundle that is newer than its compiled form is read itself', () => {
  bundle('run', 'one');
  precompile();
  bundle('run', 'two');
  const later = Date.now() / 1000 + 10;
  utimesSync(join(directory, 'run.cjs'), later, later);
  expect(run()).toBe('two\n');
});

test('a compiled form that does not fit is passed over, and none is needed', () => {
  bundle('run', 'one');
  expect(run()).toBe('one\n');
  precompile();
  bundle('run', 'three');
  expect(run()).toBe('three\n');
  bundle('run', 'one');
  expect(run(['--max-lazy'])).toBe('one\n');
});

test('a compiled form with a flipped bit, or of another length, is passed over', () => {
  bundle('run', 'one');
  precompile();
  const cache = join(directory, `run.cjs.${process.version}-${process.arch}.cache`);
  const whole = readFileSync(cache);
  const flips = Array.from({ length: 40 }, (_, index) => Math.floor((whole.length * 8 * (index + 0.5)) / 40));
  for (const bit of flips) {
    const damaged = Buffer.from(whole);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(cache, damaged);
    expect(run(), `bit ${String(bit)}`).toBe('one\n');
  }
  for (const end of [0, 1, whole.length / 2, whole.length - 1]) {
    writeFileSync(cache, whole.subarray(0, end));
    expect(run(), `${String(end)} bytes`).toBe('one\n');
  }
});

test('a bundle loads the one beside it compiled, and once', () => {
  writeFileSync(join(directory, 'special.cjs'), `console.log('one');`);
  const source = `exports.main = () => { require('./special.cjs'); require('./special.cjs'); };`;
  writeFileSync(join(directory, 'run.cjs'), source);
  precompile();
  writeFileSync(join(directory, 'special.cjs'), `console.log('two');`);
  aged('special');
  expect(run()).toBe('one\n');
});

function bundle(name: string, word: string): void {
  writeFileSync(join(directory, `${name}.cjs`), `exports.main = () => console.log('${word}');`);
}

/** As if it had been there before everything else. */
function aged(name: string): void {
  utimesSync(join(directory, `${name}.cjs`), 0, 0);
}

function precompile(): void {
  execFileSync(process.execPath, [join(directory, 'precompile.cjs')]);
}

function run(flags: string[] = []): string {
  return execFileSync(process.execPath, [...flags, join(directory, 'mirror.cjs'), 'run'], {
    encoding: 'utf8',
  });
}
