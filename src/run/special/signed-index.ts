import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallFile } from '../../boundary/small-file.js';
import type { Outcome } from '../../job/outcome.js';
import type { FetchSignedIndexStep } from '../../job/signed-index-step.js';
import { executeStep, otherCommand } from '../exec.js';
import { GO_ON, endedBy } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';

/** Answers that say for certain that a file is not for us: of http, and of ftp. S3 answers 403 for what is not there. */
const REFUSED = ['401', '403', '404', '410', '550'];

/** Answers with which a file came: of http, and of ftp. */
const CAME = ['200', '226', '250'];

/** Largest file of keys that is read. */
const KEYS_LIMIT_BYTES = 16 << 20;

/** Fetches an index with its signature and key, and checks the signature if it is to be checked. */
export async function fetchSignedIndex(turn: Turn, step: FetchSignedIndexStep): Promise<StepEnd> {
  const { log } = turn;
  const end = await executeStep(turn, otherCommand(step, step.argv), 'probe');
  const said = log.since(end.from);
  const answerOf = (name: string): string =>
    said
      .split('\n')
      .find((line) => line.endsWith(`/${name}`))
      ?.split(' ')[0] ?? '000';
  for (const name of [step.index, step.signature, step.key]) {
    // What curl wrote is the text of a refusal.
    if (!CAME.includes(answerOf(name))) rmSync(join(step.directory, name), { force: true });
  }
  if (!existsSync(join(step.directory, step.index))) {
    // The next step's tool says why; a signal or a full disk ends the run here.
    return end.outcome.kind === 'failed' && end.outcome.failure !== 'space' ? GO_ON : ifEnded(end.outcome);
  }
  for (const name of [step.signature, step.key]) {
    const answer = answerOf(name);
    if (CAME.includes(answer)) continue;
    if (!REFUSED.includes(answer)) return endedBy(notTold(name, answer));
    log.note('INFO', `upstream has no ${name} (${answer})`);
  }
  return step.verify === null ? GO_ON : verify(turn, step, step.verify);
}

function ifEnded(outcome: Outcome): StepEnd {
  return outcome.kind === 'synced' ? GO_ON : { outcome, done: true };
}

function notTold(name: string, answer: string): Outcome {
  const reason = `upstream does not say whether it has a ${name} (${answer === '000' ? 'no answer' : answer})`;
  return { kind: 'failed', failure: 'unavailable', reason };
}

async function verify(
  turn: Turn,
  step: FetchSignedIndexStep,
  { argv, keys, keyring }: NonNullable<FetchSignedIndexStep['verify']>,
): Promise<StepEnd> {
  const signature = join(step.directory, step.signature);
  if (!existsSync(signature)) {
    const reason = `the index is not signed: upstream has no ${step.signature}`;
    return endedBy({ kind: 'failed', failure: 'transfer', reason });
  }
  const rules = { limitBytes: KEYS_LIMIT_BYTES, followLink: true } as const;
  const texts = keys.map((path) => readSmallFile(path, rules) ?? Buffer.alloc(0));
  writeFileSync(keyring, Buffer.concat(texts.map(unarmored)), { mode: 0o600 });
  const command = [...argv, signature, join(step.directory, step.index)];
  const { outcome } = await executeStep(turn, otherCommand(step, command), 'probe');
  return ifEnded(outcome);
}

/** A file of keys as gpgv reads it: the blocks of ASCII armor in it (RFC 9580, 6.2) without their headers and checksums. */
export function unarmored(keys: Buffer): Buffer {
  const blocks = [
    ...keys
      .toString('latin1')
      .matchAll(
        /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\n:]{1,200}:[^\n]{0,2000}\n)*\s*([A-Za-z0-9+/=\s]+)-----END/g,
      ),
  ];
  if (blocks.length === 0) return keys;
  return Buffer.concat(
    blocks.map(([, text = '']) => Buffer.from(text.replace(/\n=[A-Za-z0-9+/]{4}\s*$/, ''), 'base64')),
  );
}
