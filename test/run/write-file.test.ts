import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.js';
import type { FilePart, WriteFileStep } from '../../src/job/step.js';
import type { Secret } from '../../src/run/secrets.js';
import type { Turn } from '../../src/run/steps.js';
import { dateInUtc, fileText, makeDirectory, writeStepFile } from '../../src/run/special/write-file.js';
import { emptyState } from '../../src/state/package-state.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mirror-write-'));
  mkdirSync(join(root, 'dst'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function step(path: string, content: readonly FilePart[], mode = '0600'): WriteFileStep {
  return { kind: 'write-file', path: join(root, path), mode, content };
}

function job(): Job {
  return { id: 'x', dst: join(root, 'dst') } as unknown as Job;
}

function turn(secrets: Record<string, Secret> = {}): Turn {
  const session = { job: job(), state: emptyState('x'), secrets: new Map(Object.entries(secrets)) };
  return { session, trigger: 'push', allowDeletes: 12 } as unknown as Turn;
}

function text(parts: readonly FilePart[], secret: string): ReturnType<typeof fileText> {
  const secrets = new Map([['password', { text: secret }]]);
  return fileText(step('f', parts), {
    job: job(),
    state: null,
    secrets,
    trigger: 'schedule',
    allowDeletes: 1,
  });
}

function written(part: FilePart, secret: string): string {
  const result = text([part], secret);
  if (typeof result !== 'string') throw new Error(`refused: ${JSON.stringify(result)}`);
  return result;
}

const quoted = (quote: 'raw' | 'shell' | 'lftp' | 'url'): FilePart => ({ secret: 'password', quote });

describe('a file that a step writes', () => {
  test('holds what only the run knows, with its mode', () => {
    const parts: FilePart[] = ['limit=', { value: 'delete-limit' }, '\nwhy=', { value: 'trigger' }, '\n'];
    expect(writeStepFile(turn(), step('conf', parts, '0640'))).toBeNull();
    expect(readFileSync(join(root, 'conf'), 'utf8')).toBe('limit=12\nwhy=push\n');
    expect(statSync(join(root, 'conf')).mode & 0o777).toBe(0o640);
  });

  test('is not written without its secret, and the run ends as one that needs a person', () => {
    const parts = [quoted('raw')];
    expect(writeStepFile(turn(), step('conf', parts))).toMatchObject({ kind: 'failed', failure: 'auth' });
    expect(writeStepFile(turn({ password: { problem: 'gone' } }), step('conf', parts))).toMatchObject({
      reason: 'gone',
    });
    expect(existsSync(join(root, 'conf'))).toBe(false);
  });

  test('below dst makes its directories, and follows no link that upstream put there', () => {
    expect(writeStepFile(turn(), step('dst/project/trace/host', ['ok\n'], '0644'))).toBeNull();
    expect(readFileSync(join(root, 'dst/project/trace/host'), 'utf8')).toBe('ok\n');
    mkdirSync(join(root, 'outside'));
    symlinkSync(join(root, 'outside'), join(root, 'dst/evil'));
    expect(writeStepFile(turn(), step('dst/evil/host', ['x']))).toMatchObject({ failure: 'dst' });
    expect(existsSync(join(root, 'outside/host'))).toBe(false);
    writeFileSync(join(root, 'outside/file'), 'theirs');
    symlinkSync(join(root, 'outside/file'), join(root, 'dst/link'));
    expect(writeStepFile(turn(), step('dst/link', ['ours']))).toBeNull();
    expect(readFileSync(join(root, 'outside/file'), 'utf8')).toBe('theirs');
  });

  test('says the time as date -u does', () => {
    for (const at of ['2026-11-23T02:05:09Z', '2026-02-03T12:00:00Z', '2024-02-29T23:59:59Z']) {
      const env = { LC_ALL: 'C', PATH: process.env.PATH ?? '' };
      const expected = execFileSync('date', ['-u', '-d', at], { env, encoding: 'utf8' }).trim();
      expect(dateInUtc(new Date(at))).toBe(expected);
    }
  });
});

describe('a secret in a file', () => {
  const secret = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    .filter((s) => !/[\u0000-\u001f\u007f]/.test(s));

  test('is one word to a shell, whatever it is', () => {
    fc.assert(
      fc.property(secret, (password) => {
        const file = join(root, 'conf');
        writeFileSync(file, `PASSWORD=${written(quoted('shell'), password)}\nAFTER=1\n`);
        const printed = execFileSync('sh', ['-c', `. ${file}; printf '%s/%s' "$PASSWORD" "$AFTER"`], {
          encoding: 'utf8',
        });
        expect(printed).toBe(`${password}/1`);
      }),
      { numRuns: 60 },
    );
  });

  test('is one part of a URL', () => {
    fc.assert(
      fc.property(secret, (password) => {
        const url = new URL(`ftp://user:${written(quoted('url'), password)}@host/`);
        expect(decodeURIComponent(url.password)).toBe(password);
        expect(url.host).toBe('host');
      }),
    );
  });

  test('with a control character is refused', () => {
    expect(text([quoted('raw')], 'two\nlines')).toMatchObject({ failure: 'auth' });
  });
});

test('a directory of a run begins empty and is for nobody else', () => {
  mkdirSync(join(root, 'work'), { mode: 0o755 });
  writeFileSync(join(root, 'work/old'), '');
  makeDirectory({ kind: 'make-directory', path: join(root, 'work'), empty: true });
  expect(existsSync(join(root, 'work/old'))).toBe(false);
  expect(statSync(join(root, 'work')).mode & 0o777).toBe(0o700);
});
