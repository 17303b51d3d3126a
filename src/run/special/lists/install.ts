import { closeSync, fsyncSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openToRead } from '../../../boundary/regular-file.js';
import { readSmallText } from '../../../boundary/small-file.js';
import type { InstallListsStep } from '../../../job/list-step.js';
import type { Outcome } from '../../../job/outcome.js';
import { syncDirectory } from '../../../system/atomic.js';
import { figures } from '../../figures.js';
import { freeBeside, installMarker } from '../marker.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import type { ListSummary } from './compare.js';
import { writeRecord } from './record.js';

/** What `compareLists` says of each list is a line. */
const SUMMARY_LIMIT_BYTES = 1 << 20;

/**
 * Puts the lists that were fetched first into dst, the last thing of all: they tell readers, and the next run, what dst
 * holds. Not after a run that left anything out: the next one then compares with the same lists as this one did.
 */
export function installLists(turn: Turn, step: InstallListsStep, sofar: Outcome): StepEnd {
  if (sofar.kind !== 'synced') return GO_ON;
  const { dst } = turn.session.job;
  const { files, totals, of, whole } = JSON.parse(readSummary(step.summary)) as ListSummary;
  for (const [file, state] of Object.entries(files)) {
    if (state === 'new' && putInto(step.fetched, file, dst)) {
      turn.log.note('INFO', `installed ${file}`);
    }
    // Readers must not take dst for what an old list says.
    if (state === 'none') rmSync(join(dst, file), { force: true });
  }
  if (totals === null) return GO_ON;
  writeRecord(step.record, dst, of, whole, totals);
  const sum = (key: 'files' | 'bytes'): number =>
    Object.values(totals).reduce((total, list) => total + list[key], 0);
  return { ...GO_ON, transfer: figures({ files: sum('files'), total_bytes: sum('bytes') }) };
}

function readSummary(path: string): string {
  return readSmallText(path, { limitBytes: SUMMARY_LIMIT_BYTES }) ?? '';
}

/** As `installMarker`, but without a copy where both are on one file system. */
function putInto(fetched: string, file: string, dst: string): boolean {
  const target = join(dst, file);
  const temporary = freeBeside(target);
  const fd = openToRead(join(fetched, file));
  try {
    fsyncSync(fd);
    renameSync(join(fetched, file), temporary);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    return installMarker(join(fetched, dirname(file)), file, dst);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, target);
  syncDirectory(dirname(target));
  return true;
}
