import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FilePart, MakeDirectoryStep, Quoting, WriteFileStep } from '../../job/step.js';
import type { Job } from '../../job/job.js';
import { lftpWord } from '../../job/lftp-word.js';
import { shellQuoted } from '../../job/shell.js';
import type { Outcome } from '../../job/outcome.js';
import { emptyState } from '../../state/package-state.js';
import type { PackageState, Trigger } from '../../state/package-state.js';
import { writeFileAtomic } from '../../system/atomic.js';
import { currentLimit } from '../exec.js';
import { secretText } from '../secrets.js';
import type { Secret } from '../secrets.js';
import type { Turn } from '../steps.js';

/** A directory of ours, for nobody else's eyes. */
export function makeDirectory(step: MakeDirectoryStep): void {
  if (step.empty) rmSync(step.path, { recursive: true, force: true });
  mkdirSync(step.path, { recursive: true, mode: 0o700 });
  chmodSync(step.path, 0o700);
}

/** What a file's run-time parts are made of. */
export interface FileFacts {
  readonly job: Job;
  /** Null: the delete limit is that of an unknown dst. */
  readonly state: PackageState | null;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly trigger: Trigger;
  readonly allowDeletes: number | null;
}

/** Writes a step's file with the run's own facts in it; the outcome that ends the run when a secret is missing. */
export function writeStepFile(turn: Turn, step: WriteFileStep): Outcome | null {
  const { job, state, secrets } = turn.session;
  const { trigger, allowDeletes } = turn;
  const text = fileText(step, { job, state, secrets, trigger, allowDeletes });
  if (typeof text !== 'string') return text;
  // By its name, not by where links lead: dst's content is upstream's.
  const inDst = step.path.startsWith(`${job.dst}/`);
  const link = inDst ? makeDirectoriesBelow(job.dst, dirname(step.path)) : null;
  if (link !== null) {
    return { kind: 'failed', failure: 'dst', reason: `${link} is a symbolic link or no directory` };
  }
  writeFileAtomic(step.path, text, parseInt(step.mode, 8));
  return null;
}

/** The whole text of a step's file, or the outcome when a secret cannot be had. */
export function fileText(step: WriteFileStep, facts: FileFacts): string | Outcome {
  let text = '';
  for (const part of step.content) {
    if (typeof part === 'string') text += part;
    else if ('value' in part) text += runValue(facts, part);
    else {
      const secret = secretText(facts.secrets, part.secret);
      if (typeof secret !== 'string') return secret;
      if (/[\u0000-\u001f\u007f]/.test(secret)) {
        const reason = `secret \`${part.secret}\` has control characters`;
        return { kind: 'failed', failure: 'auth', reason };
      }
      text += quoted(secret, part.quote);
    }
  }
  return text;
}

function runValue(facts: FileFacts, part: Extract<FilePart, { value: unknown }>): string {
  const { job, state, trigger } = facts;
  switch (part.value) {
    case 'date':
      return dateInUtc(new Date());
    case 'delete-limit':
      return String(currentLimit(job, state ?? emptyState(job.id), facts.allowDeletes));
    case 'trigger':
      return part.words?.[trigger] ?? trigger;
  }
}

/** As `date -u` prints it in the C locale: `Mon Nov 23 02:05:09 UTC 2026`. */
export function dateInUtc(date: Date): string {
  const [day, number, month, year, time] = date.toUTCString().replace(',', '').split(' ');
  return `${day ?? ''} ${month ?? ''} ${String(Number(number)).padStart(2)} ${time ?? ''} UTC ${year ?? ''}`;
}

/** One value in the grammar of the file; the text has no control characters. */
function quoted(text: string, quoting: Quoting): string {
  switch (quoting) {
    case 'raw':
      return text;
    case 'shell':
      return shellQuoted(text);
    case 'lftp':
      return lftpWord(text);
    case 'url':
      return encodeURIComponent(text).replace(
        /[!'()*]/g,
        (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
      );
  }
}

/** Makes the directories from `top` down to `path`; the first thing on the way that is no directory, or null. */
function makeDirectoriesBelow(top: string, path: string): string | null {
  let at = top;
  for (const name of path.slice(top.length).split('/').filter(Boolean)) {
    at = join(at, name);
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (stat === undefined) mkdirSync(at);
    else if (!stat.isDirectory()) return at;
  }
  return null;
}
