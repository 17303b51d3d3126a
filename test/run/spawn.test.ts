import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome } from '../../src/job/outcome.js';
import type { Interruption } from '../../src/run/signals.js';
import { runTool } from '../../src/run/spawn.js';
import type { Overseer, ToolEnd } from '../../src/run/spawn.js';
import { processStart } from '../../src/system/process.js';
import { install } from './fixture.js';
import type { Installation } from './fixture.js';

const nobody: Interruption = { signal: null, subscribe: () => () => undefined };
let site: Installation;
let log: number;

beforeAll(() => {
  site = install();
  log = openSync(join(site.root, 'log'), 'a');
});
afterAll(() => {
  closeSync(log);
  site.remove();
});

function tool(
  argv: string[],
  input: string | null = null,
  look = () => null as Outcome | null,
): Promise<ToolEnd> {
  const env = { PATH: process.env.PATH ?? '' };
  const oversee = (): Promise<Overseer> => Promise.resolve({ look, pauseMs: () => 20 });
  const command = { argv, env, cwd: site.root, input, output: log, locks: [] };
  return runTool(command, { deadline: Infinity, oversee, interruption: nobody }, () => undefined);
}

test('a deadline further away than a timer can count does not end a tool at once', async () => {
  expect(await tool(['sleep', '0.3'])).toEqual({ kind: 'exit', exit: 0, signal: null });
});

test('a tool that is ended takes along what it started, even what ignores SIGTERM', async () => {
  const child = join(site.root, 'child');
  const deaf = `trap '' TERM; echo $$ > ${child}.new; mv ${child}.new ${child}; exec sleep 50`;
  const enough: Outcome = { kind: 'failed', failure: 'space', reason: 'enough' };
  const look = (): Outcome | null => (existsSync(child) ? enough : null);
  const end = await tool(['sh', '-c', `sh -c "$0" & wait`, deaf], null, look);
  expect(end).toEqual({ kind: 'overseen', outcome: enough });
  expect(processStart(Number(readFileSync(child, 'utf8')))).toBeNull();
});

test('a tool that does not read its input ends as it likes, and its output goes to the log', async () => {
  const end = await tool(['sh', '-c', 'exec <&-; echo out; echo err >&2; exit 3'], 'x'.repeat(1e6));
  expect(end).toEqual({ kind: 'exit', exit: 3, signal: null });
  expect(readFileSync(join(site.root, 'log'), 'utf8')).toBe('out\nerr\n');
});
