import { describe, expect, test } from 'vitest';
import { execute } from '../../src/system/execute.js';

/** A process in a session of its own that keeps the pipes of its parent for a while. */
const LEAVE = 'setsid sleep 20 &';

describe('a program that root starts', () => {
  test('answers with its code and what it printed', async () => {
    expect(await execute(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      stdout: 'out',
      stderr: 'err',
    });
    expect(await execute(['/no/such/program'])).toMatchObject({ code: 127 });
    expect(await execute(['sh', '-c', 'kill -9 $$'])).toMatchObject({ code: 128 });
    expect(await execute(['sh', '-c', 'echo a\0b'])).toMatchObject({ code: 127 });
  });

  test('is over when it ends, whatever it left behind keeps its pipes', async () => {
    const begun = Date.now();
    expect(await execute(['sh', '-c', `${LEAVE} echo done`])).toMatchObject({ code: 0, stdout: 'done' });
    expect(Date.now() - begun).toBeLessThan(10_000);
  });

  test('is over when its time is, whatever it left behind keeps its pipes', async () => {
    const begun = Date.now();
    const late = await execute(['sh', '-c', `${LEAVE} sleep 20`], 500);
    expect(late).toEqual({ code: 128, stdout: '', stderr: 'it did not end in time' });
    expect(Date.now() - begun).toBeLessThan(10_000);
  });

  test('cannot fill the memory', async () => {
    const { code, stdout, stderr } = await execute(['yes']);
    expect([code, stderr]).toEqual([128, 'it printed too much']);
    expect(stdout.length).toBeLessThanOrEqual(64 * 1024 * 1024);
  });
});
