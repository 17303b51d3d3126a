import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ENTRY } from '../run/fixture.js';
import { seededRandom, TRIALS } from './random.js';
import { onPath } from './tools.js';

/** Why no command can be started on a failing disk here, or null. */
export const noFaults: string | null = onPath('gcc') ? null : 'needs gcc';

/**
 * How a call on a file fails: with EIO, with EINTR, or by reading or writing half of what was asked. `dead` is EIO for that
 * call and all that follow.
 */
export type Fault = 'error' | 'interrupted' | 'short' | 'dead';

/** As io-faults.c numbers them. */
const NUMBERS: Readonly<Record<Fault, number>> = { error: 1, interrupted: 2, short: 3, dead: 4 };

/** The page that io-faults.c shares with us: three numbers, the directory, what failed. */
const BELOW = 24;
const FAILED = BELOW + 1000;
const PAGE = FAILED + 3000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Calls that could have failed. */
  readonly calls: number;
  /** The call that failed, and its path; empty if there was none. */
  readonly failed: string;
}

/** Starts `mirror` on a disk of which one call fails. */
export interface FailingDisk {
  /** Runs a command with the `at`-th call below the directory failing; 0: none. */
  mirror(args: readonly string[], fault?: Fault, at?: number): Promise<Ended>;
}

/** A disk that holds all below `directory`; what it needs itself is written to `scratch`, which lies elsewhere. */
export function failingDisk(directory: string, scratch: string): FailingDisk {
  const [library, page] = [join(scratch, 'io-faults.so'), join(scratch, 'io-faults')];
  const source = join(import.meta.dirname, 'io-faults.c');
  execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', library, source]);
  return {
    mirror(args, fault = 'error', at = 0) {
      writePage(page, realpathSync(directory), fault, at);
      const env = { ...process.env, LD_PRELOAD: library, IO_FAULTS: page };
      const child = spawn(process.execPath, [ENTRY, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      return new Promise((done) => {
        child.on('close', (code) => {
          const bytes = readFileSync(page);
          const failed = bytes.toString('utf8', FAILED, bytes.indexOf(0, FAILED));
          done({ code, stdout, stderr, calls: Number(bytes.readBigInt64LE(0)), failed });
        });
      });
    },
  };
}

function writePage(path: string, below: string, fault: Fault, at: number): void {
  const page = Buffer.alloc(PAGE);
  page.writeBigInt64LE(BigInt(at), 8);
  page.writeBigInt64LE(BigInt(NUMBERS[fault]), 16);
  page.write(below, BELOW);
  // The old one may still be shared with a process that outlived its command.
  rmSync(path, { force: true });
  writeFileSync(path, page);
}

/** One fault of a seeded series. */
export interface Point {
  readonly fault: Fault;
  /** Where among the calls: from 0 to 1. */
  readonly share: number;
}

/** Faults of all kinds, evenly spread over a command's calls: a fifth of the trials of a seeded test. */
export function spreadFaults(seed: number): Point[] {
  const next = seededRandom(seed);
  const count = Math.round(TRIALS / 5);
  const kinds: Fault[] = ['error', 'error', 'error', 'dead', 'short', 'interrupted'];
  return kinds.flatMap((fault, kind) => {
    const own = Math.ceil((count - kind) / kinds.length);
    return Array.from({ length: own }, (_, i) => ({ fault, share: (i + next()) / own }));
  });
}

/** Calls of a command by fault, `prepare` making something to do for each count. */
export async function countCalls(
  disk: FailingDisk,
  points: readonly Point[],
  args: readonly string[],
  prepare: (trial: number) => void,
): Promise<ReadonlyMap<Fault, number>> {
  const counts = new Map<Fault, number>();
  for (const fault of new Set(points.map((point) => point.fault))) {
    prepare(counts.size + 1);
    counts.set(fault, (await disk.mirror(args, fault)).calls);
  }
  return counts;
}

/** Number of the call that fails at a point. */
export function callOf({ fault, share }: Point, calls: ReadonlyMap<Fault, number>): number {
  return 1 + Math.floor(share * (calls.get(fault) ?? 0));
}

/** Whether a program must cope with this fault by itself. */
export function isTransparent({ fault }: Point): boolean {
  return fault === 'short' || fault === 'interrupted';
}

/** What happened in a trial, for a message. */
export function explain(index: number, { fault }: Point, { failed, code, stderr }: Ended): string {
  return `trial ${String(index)}: ${fault} at ${failed || 'no call'}; it ended with ${String(code)}: ${stderr}`;
}

/** Every JSON file below a directory is whole; what a run's last words are still being written to is not looked at. */
export function assertWholeJson(directory: string, when: string): void {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  for (const name of names.filter((each) => /(^|\/)[^.][^/]*\.json$/.test(each))) {
    const path = join(directory, name);
    if (existsSync(path))
      expect(() => JSON.parse(readFileSync(path, 'utf8')) as unknown, `${path} ${when}`).not.toThrow();
  }
}
