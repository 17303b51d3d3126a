import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '../job/job.js';
import { EXIT, exitCode, isThrough } from '../job/outcome.js';
import type { Outcome } from '../job/outcome.js';
import type { ExecStep, Step } from '../job/step.js';
import { escapeUnsafe } from '../job/plain-text.js';
import { classify } from './classify.js';
import { countEntries } from './guard.js';
import { secretText } from './secrets.js';
import type { Secret } from './secrets.js';
import { dryLines } from './tools/dry-lines.js';
import type { DryLine } from './tools/dry-lines.js';
import { toolTable } from './tools/index.js';
import { fileText } from './special/write-file.js';
import { makeHome, toolEnvironment } from './tool-environment.js';

/** What a sync would move, as the tool's own dry run tells; bytes are null where it does not say. */
export interface WouldTransfer {
  readonly add: { files: number; bytes: number | null };
  readonly change: { files: number; bytes: number | null };
  readonly delete: { files: number };
}

/** What became of the dry runs: words for people, and each tool's own figures or reason, for programs. */
export interface TransferEnd {
  readonly lines: readonly string[];
  readonly exit: number;
  readonly transfers: readonly (WouldTransfer | { readonly reason: string })[];
}

/** Characters of a tool's other output that are kept to tell why it failed. */
const KEPT = 64 * 1024;

/**
 * Runs the dry run that the tools of a job's first source have, and says what they would do. Nothing in dst is written, no
 * lock is taken, and no guard is asked: the files that a tool reads are written into a scratch directory instead of the
 * run's own, which a run may be using. The text says so where a tool has no dry run, or where it failed.
 */
export async function describeTransfer(job: Job, secrets: ReadonlyMap<string, Secret>): Promise<TransferEnd> {
  const scratch = mkdtempSync(join(process.getBuiltinModule('node:os').tmpdir(), 'mirror-dry-run-'));
  try {
    const steps = inScratch(job.attempts[0]?.steps ?? [], scratch);
    const execs = steps.filter((step) => step.kind === 'exec');
    const dry = execs.filter((step) => step.dry_run !== undefined);
    if (execs.length === 0) return { lines: ['nothing to transfer'], exit: EXIT.ok, transfers: [] };
    if (dry.length === 0) {
      return untold({
        exit: EXIT.unavailable,
        reason: `${execs[0]?.tool ?? 'the tool'} has no dry run of its own`,
      });
    }
    for (const step of steps) {
      if (step.kind !== 'write-file' || !step.path.startsWith(`${scratch}/`)) continue;
      const text = fileText(step, { job, state: null, secrets, trigger: 'request', allowDeletes: null });
      if (typeof text !== 'string') return untold(problem(text));
      writeFileSync(step.path, text, { mode: 0o600 });
    }
    // Not the package's own: a run may be using it, and a person's account may not look into it.
    const home = join(scratch, '.home');
    makeHome(home);
    const ends: (WouldTransfer | Untold)[] = [];
    for (const step of dry) ends.push(await dryRun(job, step, secrets, home));
    return {
      lines: ends.map((end) => ('reason' in end ? `not told: ${end.reason}` : summary(end))),
      exit: ends.reduce<number>(
        (worst, end) => ('reason' in end ? Math.max(worst, end.exit) : worst),
        EXIT.ok,
      ),
      transfers: ends.map((end) => ('reason' in end ? { reason: end.reason } : end)),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Why a dry run tells nothing, and the exit code of that. */
interface Untold {
  readonly reason: string;
  readonly exit: number;
}

function untold(end: Untold): TransferEnd {
  return { lines: [`not told: ${end.reason}`], exit: end.exit, transfers: [{ reason: end.reason }] };
}

function problem(outcome: Outcome): Untold {
  return { reason: 'reason' in outcome ? outcome.reason : outcome.kind, exit: exitCode(outcome) };
}

/** The steps with the run's private directory, wherever it is named, replaced by `scratch`. */
function inScratch(steps: readonly Step[], scratch: string): readonly Step[] {
  const own = steps.find((step) => step.kind === 'make-directory' && step.empty);
  if (own?.kind !== 'make-directory') return steps;
  const text = JSON.stringify(steps).replaceAll(JSON.stringify(own.path).slice(1, -1), scratch);
  return JSON.parse(text) as Step[];
}

/** What one tool would do, or why that cannot be told. */
async function dryRun(
  job: Job,
  step: ExecStep,
  secrets: ReadonlyMap<string, Secret>,
  home: string,
): Promise<WouldTransfer | Untold> {
  const read = dryLines.get(step.tool);
  if (step.dry_run === undefined || read === undefined) {
    return { reason: `${step.tool} has no dry run of its own`, exit: EXIT.unavailable };
  }
  const secret = step.stdin_secret === undefined ? null : secretText(secrets, step.stdin_secret);
  if (secret !== null && typeof secret !== 'string') return problem(secret);
  const { at, remove, words } = step.dry_run;
  const [program = '', ...args] = step.argv.toSpliced(at, remove, ...words);
  const child = spawn(program, args, {
    cwd: [step.cwd ?? job.dst].find((path) => existsSync(path)) ?? '/',
    env: toolEnvironment(job, step, home),
    stdio: [secret === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<{ exit: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.on('error', () => done({ exit: 127, signal: null }));
    child.on('close', (exit, signal) => done({ exit, signal }));
  });
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(secret === null ? '' : `${secret}\n`);
  let said = '';
  const { createInterface } = process.getBuiltinModule('node:readline');
  const keep = (text: string): void => void (said = (said + text).slice(-KEPT));
  child.stderr?.on('data', (data: Buffer) => {
    const text = data.toString();
    process.stderr.write(process.stderr.isTTY ? escapeUnsafe(text) : text);
    keep(text);
  });
  const total = { add: { files: 0, bytes: 0 }, change: { files: 0, bytes: 0 }, delete: { files: 0 } };
  if (child.stdout)
    for await (const line of createInterface({ input: child.stdout })) {
      const told = read(line);
      if (told === null) keep(`${line}\n`);
      count(total, inDst(job.dst, told));
    }
  const outcome = classify(await toolTable(step.tool), { ...(await ended), output: said }, step.accept);
  return isThrough(outcome) ? total : problem(outcome);
}

/** A line of a tool that does not know what is in dst, or all of it. */
function inDst(dst: string, line: DryLine | null): (DryLine & { readonly files?: number }) | null {
  if (line?.path === undefined) return line;
  const path = join(dst, line.path);
  if (line.kind === 'delete') return { ...line, files: 1 + countEntries(path, Infinity) };
  return existsSync(path) ? { ...line, kind: 'change' } : line;
}

function count(total: WouldTransfer, line: (DryLine & { readonly files?: number }) | null): void {
  if (line === null) return;
  total[line.kind].files += line.files ?? 1;
  if (line.kind === 'delete') return;
  const { bytes } = total[line.kind];
  total[line.kind].bytes = bytes === null || line.bytes === null ? null : bytes + line.bytes;
}

function summary({ add, change, delete: gone }: WouldTransfer): string {
  const part = (verb: string, files: number, bytes: number | null): string =>
    `${String(files)} ${verb}${bytes === null ? '' : ` (${String(bytes)} bytes)`}`;
  return [
    part('to add', add.files, add.bytes),
    part('to change', change.files, change.bytes),
    part('to delete', gone.files, null),
  ].join(', ');
}
