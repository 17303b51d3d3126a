import { existsSync, lutimesSync } from 'node:fs';
import { join } from 'node:path';
import type { VerifyListedStep } from '../../../job/list-step.js';
import { lstatIfThere } from '../../../system/if-there.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { digestOf } from '../digest.js';
import { bytes, latin1, shown } from '../names.js';
import { readPaths } from './writer.js';

/** Digests by their length in hexadecimal digits. */
const ALGORITHMS: Readonly<Record<number, string>> = { 32: 'md5', 40: 'sha1', 64: 'sha256', 128: 'sha512' };

/**
 * Looks whether what a list names is there, and compares files with their digests. One that differs ends the run: upstream
 * changed meanwhile, or the copy is bad. Its time is set back, so that the next pass compares its content and not only size
 * and time.
 */
export function verifyListed(turn: Turn, step: VerifyListedStep): StepEnd {
  if (!existsSync(step.list)) return GO_ON;
  const top = latin1(turn.session.job.dst);
  const bad: string[] = [];
  const missing: string[] = [];
  for (const line of readPaths(step.list)) {
    const tab = line.indexOf('\t');
    const [digest, path] = [line.slice(0, tab), line.slice(tab + 1)];
    const file = bytes(join(top, path));
    if (digest === '') {
      if (lstatIfThere(file) === null) missing.push(path);
      continue;
    }
    const algorithm = ALGORITHMS[digest.length];
    if (algorithm === undefined) continue;
    const found = digestOf(file, algorithm);
    // None: what a list wants here, rsync has asked for.
    if (found === null || found === digest) continue;
    lutimesSync(file, 0, 0);
    turn.log.note('WARNING', `${shown(path)} has not the ${algorithm} that the list says`);
    bad.push(path);
  }
  if (missing.length > 0) return failed(missing, 'listed, but upstream has no such file');
  if (bad.length > 0) return failed(bad, 'not what the list says; upstream is changing, or the copy is bad');
  return GO_ON;
}

function failed(paths: readonly string[], what: string): StepEnd {
  const others = paths.length > 1 ? ` and ${String(paths.length - 1)} more` : '';
  const reason = `${shown(paths[0] ?? '')}${others}: ${what}`;
  return { outcome: { kind: 'failed', failure: 'transfer', reason }, done: true };
}
