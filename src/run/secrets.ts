import { join } from 'node:path';
import { isHandedOver, readProvision } from '../boundary/root-service.js';
import { readSmallText } from '../boundary/small-file.js';
import type { Job } from '../job/job.js';
import type { Outcome } from '../job/outcome.js';

/** Passwords are short; a key of any kind is smaller than this. */
const SECRET_LIMIT_BYTES = 1 << 20;

/** A secret's text, or why it cannot be had; the text goes nowhere but to a tool's stdin. */
export type Secret = { readonly text: string } | { readonly problem: string };

/**
 * Reads a job's secrets: from the root that handed this run over, else from systemd's credentials directory or the root-only
 * files. A missing one is not an error yet: only a step that needs it fails.
 */
export function readSecrets(job: Job, credentials: string | undefined): ReadonlyMap<string, Secret> {
  if (isHandedOver()) return new Map(Object.entries(readProvision().secrets));
  return readSecretsWith(job, credentials, (path, limitBytes) =>
    readSmallText(path, { limitBytes, followLink: true }),
  );
}

/** Reads the text of a file of at most `limitBytes`; null if nothing is there. */
type ReadText = (path: string, limitBytes: number) => string | null;

/** The same, with `read` for each file. */
export function readSecretsWith(
  job: Job,
  credentials: string | undefined,
  read: ReadText,
): ReadonlyMap<string, Secret> {
  const secrets = Object.entries(job.secrets);
  return new Map(
    secrets.map(([name, file]) => {
      const credential = credentials === undefined ? [] : [join(credentials, name)];
      return [name, readSecret(name, [...credential, file], read)];
    }),
  );
}

/** The text of a secret that a step needs, or how the run ends without it. */
export function secretText(secrets: ReadonlyMap<string, Secret>, name: string): string | Outcome {
  const secret = secrets.get(name);
  if (secret !== undefined && 'text' in secret) return secret.text;
  const reason = secret?.problem ?? `the job has no secret \`${name}\``;
  return { kind: 'failed', failure: 'auth', reason };
}

function readSecret(name: string, candidates: readonly string[], read: ReadText): Secret {
  let problem = '';
  for (const path of candidates) {
    try {
      const text = read(path, SECRET_LIMIT_BYTES);
      if (text !== null) return { text: text.replace(/\r?\n$/, '') };
      problem = `secret \`${name}\`: ${path} does not exist`;
    } catch (error) {
      problem = `secret \`${name}\`: ${(error as Error).message}`;
    }
  }
  return { problem };
}
