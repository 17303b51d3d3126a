import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const DIST = join(import.meta.dirname, '../dist');

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-precompiled-'));
  for (const name of ['mirror.cjs', 'precompile.cjs']) copyFileSync(join(DIST, name), join(directory, name));
  bundle('control', 'never called');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('the build compiles the executor and the control server for its own Node', () => {
  const kind = `${process.version}-${process.arch}.cache`;
  expect(readdirSync(DIST)).toEqual(
    expect.arrayContaining([`run.cjs.${kind}`, `control.cjs.${kind}`]) as string[],
  );
});

test('what was compiled is what runs: V8 knows a source by its length alone', () => {
  bundle('run', 'one');
  precompile();
  bundle('run', 'two');
  expect(run()).toBe('one\n');
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

test('a bundle finds what lies beside it, by require', () => {
  writeFileSync(join(directory, 'cold.cjs'), 'exports.word = "cold";');
  const source = `exports.main = () => console.log(require('./cold.cjs').word);`;
  writeFileSync(join(directory, 'run.cjs'), source);
  precompile();
  expect(run()).toBe('cold\n');
});

function bundle(name: string, word: string): void {
  writeFileSync(join(directory, `${name}.cjs`), `exports.main = () => console.log('${word}');`);
}

function precompile(): void {
  execFileSync(process.execPath, [join(directory, 'precompile.cjs')]);
}

function run(flags: string[] = []): string {
  return execFileSync(process.execPath, [...flags, join(directory, 'mirror.cjs'), 'run'], {
    encoding: 'utf8',
  });
}
