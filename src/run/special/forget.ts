import { rmSync } from 'node:fs';
import type { ForgetIfChangedStep } from '../../job/forget-step.js';
import { writeFileAtomic } from '../../system/atomic.js';
import { readSmallText } from '../../boundary/small-file.js';
import type { LogFile } from '../log-file.js';

/** The text is what of the config a tool's records depend on. */
const RECORD_LIMIT_BYTES = 16 << 20;

/** Removes what a tool knows of its last run when the site wants something else now; the record is written last. */
export function forgetIfChanged(step: ForgetIfChangedStep, log: LogFile): void {
  const before = readSmallText(step.record, { limitBytes: RECORD_LIMIT_BYTES });
  if (before === step.text) return;
  if (before !== null) {
    for (const file of step.files) rmSync(file, { force: true });
    log.note('INFO', 'what is to be mirrored has changed since the last run: everything is looked at again');
  }
  writeFileAtomic(step.record, step.text, 0o600);
}
