import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { clearText } from '../../src/run/special/proof/clear-text.js';
import { specialTools } from '../../src/run/special/index.js';
import { command } from '../../src/run/tools/command.js';
import { dryLines } from '../../src/run/tools/dry-lines.js';
import { rsync } from '../../src/run/tools/rsync.js';
import type { ToolTable } from '../../src/run/tools/table.js';
import { attacksOn } from '../support/regex-attacks.js';

const KIB = 1024;
const MIB = 1024 * KIB;

const tables: readonly ToolTable[] = [command, rsync, ...Object.values(specialTools)];

test.each(tables)('$name: every row reads 1 MB of its worst case in linear time', (table) => {
  const patterns = [...table.never, ...table.rows].flatMap(([, text]) => text ?? []);
  for (const pattern of patterns) expectLinear(String(pattern), pattern, (text) => pattern.test(text));
});

test.each(tables)('$name: explanations and figures take linear time', (table) => {
  const explains = table.explains.filter((each) => each !== 'last');
  for (const pattern of explains) expectLinear(String(pattern), pattern, (text) => pattern.test(text));
  const sources = [...figureLines, ...explains];
  for (const source of sources) {
    expectLinear(`figures of ${String(source)}`, source, (text) => table.transfer(text));
    if (table.lists) expectLinear(`lists of ${String(source)}`, source, (text) => table.lists?.(text));
  }
});

test.each([...dryLines])('%s: a line of its dry run takes linear time', (_, read) => {
  for (const source of dryRunLines) expectLinear(`a line like ${String(source)}`, source, read);
});

test('every regular expression of the special steps takes linear time', { timeout: 120_000 }, () => {
  const patterns = patternsBelow('src/run/special');
  expect(patterns.size).toBeGreaterThan(30);
  for (const [where, pattern] of patterns) expectLinear(where, pattern, (text) => text.replace(pattern, ''));
});

test('a clear-signed text is found in linear time', () => {
  const shape = /-----BEGIN PGP SIGNED MESSAGE-----\nHash: x\n\n- a\n-----BEGIN PGP SIGNATURE-----/;
  expectLinear('clearText', shape, clearText);
});

/** Regular expressions that the files below a directory write down, by file and text. */
function patternsBelow(directory: string): Map<string, RegExp> {
  const patterns = new Map<string, RegExp>();
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const text = readFileSync(join(directory, name), 'utf8');
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf('/');
        const pattern = new RegExp(node.text.slice(1, end), node.text.slice(end + 1));
        patterns.set(`${name}: ${node.text}`, pattern);
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(name, text, ts.ScriptTarget.Latest));
  }
  return patterns;
}

/** Shapes of the lines that the figures are read from. */
const figureLines: readonly RegExp[] = [
  /Receiving objects: 100% .*?, ([\d.]+) KiB \| .*?, done/,
  /Unpacking objects: 100% .*?, 1 KiB, done/,
  /^\S+ \S+ INFO: Downloading: .*/m,
  /INFO: We have (\d+) files\. \d+ unowned files/,
  /^Total: (\d+) directories, (\d+) files, (\d+) symlinks$/m,
  /^(\d+) bytes transferred$/m,
  /\nNumber of files: 1,000 \(dir: 1\)\n/,
  /\n\d{4}\/\d\d\/\d\d [\d:]{8} \[\d+\] Number of files: 1\n/,
];

const dryRunLines: readonly RegExp[] = [
  /^\[[ \d]+%\] Getting: .+\.\.\. ok$/,
  /^pool\/.*[^/]$/,
  /^deleting .+$/,
  /^Transferring file `(.*)' is not removed$/,
  /^>f[^ ]{9} (\d+) .*/,
];

/**
 * Looks for the text that takes longest among small ones, and reads 1 MB of it: four times the text may take four times as
 * long, and some more because machines are busy, but not sixteen times.
 */
function expectLinear(name: string, source: RegExp, read: (text: string) => unknown): void {
  const worst = { ms: -1, attack: (length: number) => 'a'.repeat(length) };
  for (const attack of attacksOn(source)) {
    const text = attack(8 * KIB);
    const ms = time(() => read(text));
    if (ms > worst.ms) Object.assign(worst, { ms, attack });
  }
  for (const length of [64 * KIB, 256 * KIB, MIB]) {
    const [quarter, whole] = [worst.attack(length / 4), worst.attack(length)];
    for (let tries = 0; ; tries += 1) {
      const [before, after] = [time(() => read(quarter)), time(() => read(whole))];
      // Below this the clock says nothing; a quadratic pattern is far above it at 1 MB.
      if (after < 100 || after < before * 9) break;
      if (after > 2000 || tries === 4) {
        const start = whole.slice(0, 200);
        throw new Error(`${name}: ${String(before)} ms, four times the text ${String(after)} ms: ${start}`);
      }
    }
  }
}

function time(work: () => unknown): number {
  const from = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
}
