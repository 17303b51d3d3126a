import type { Outcome } from '../../job/outcome.js';
import type { SpecialStep, Tool } from '../../job/step.js';
import { countDeletions } from './count-deletions.js';
import { eachRepository } from './each-repository.js';
import { forgetIfChanged } from './forget.js';
import { checkFreshness } from './freshness.js';
import { deleteRefs } from './git/delete-refs.js';
import { prepareRepository } from './git/prepare.js';
import { countImages } from './count-images.js';
import { makeImages } from './jigdo-images.js';
import { runListStep } from './lists/index.js';
import { countClosed } from './count-closed.js';
import { findReplaced } from './find-replaced.js';
import { publishHeld } from './publish-held.js';
import { proveApt } from './proof/apt.js';
import { proveRefs } from './proof/refs.js';
import { proveAptArchive } from './proof/apt-archive.js';
import { proveRpm } from './proof/rpm.js';
import { proveSimple } from './proof/simple.js';
import { askWhetherChanged } from './repeat.js';
import { fetchSignedIndex } from './signed-index.js';
import type { EndFacts } from '../../state/reduce.js';
import { GO_ON, endedBy } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';
import { bandersnatch } from '../tools/bandersnatch.js';
import { aptMirror } from '../tools/apt-mirror.js';
import { debmirror } from '../tools/debmirror.js';
import { git } from '../tools/git.js';
import { jigdo } from '../tools/jigdo.js';
import { lftp } from '../tools/lftp.js';
import { ftpsync } from '../tools/ftpsync.js';
import { reposync } from '../tools/reposync.js';
import type { ToolTable } from '../tools/table.js';
import { makeDirectory, writeStepFile } from './write-file.js';

/**
 * What only some jobs need, in a bundle of its own (`dist/special.cjs`) that the executor loads when a job has such a
 * step, or is not asked to run one: most runs are one rsync, and start the sooner for it.
 */
export { printDryRun } from '../print-dry-run.js';
export { endOverdueRun } from './end-run.js';
export { gatherLogs } from './gather-logs.js';
export { putOnLeash } from './leash.js';
export { cutLog } from './log-limit.js';
export { installMarker } from './marker.js';
export { overseeTool } from './oversee.js';
export { runUnit } from '../run-unit.js';
export { handOverCommand, handOverRun, PUBLISH_LIMIT_MS, refuseForeignState } from './root-half.js';
export { jobToServe, overtaken } from './overtaken.js';
export { readState } from '../../state/mend-state.js';
export { takeOver } from './orphan.js';
export { sleepUntilPush } from './push-sleep.js';
export { queueForSlot } from './slot-queue.js';
export { executeWithCare } from './refused.js';
export { deleteTold } from './told-deletions.js';
export { runWatched } from './watched-exec.js';
export { identifyFileSystem } from './file-system.js';
export { refuseOtherDisk } from './other-disk.js';
export { omission } from './omissions.js';
export { mendOwnDirectory, settleUndo } from './undo.js';
export { refuseUnmounted } from './unmounted.js';

/** Tables of the tools that the executor's own bundle does not know. */
export const specialTools: Readonly<Record<Exclude<Tool, 'rsync' | 'command'>, ToolTable>> = {
  bandersnatch,
  'apt-mirror': aptMirror,
  debmirror,
  git,
  jigdo,
  lftp,
  ftpsync,
  reposync,
};

/** Interprets one of the steps that are not in every job. `sofar` and `facts`: how the steps before it ended, and what they found out. */
export async function runSpecialStep(
  turn: Turn,
  step: SpecialStep,
  sofar: Outcome,
  facts: EndFacts,
): Promise<StepEnd> {
  switch (step.kind) {
    case 'make-directory':
      makeDirectory(step);
      return GO_ON;
    case 'forget-if-changed':
      forgetIfChanged(step, turn.log);
      return GO_ON;
    case 'list-changes':
    case 'verify-listed':
    case 'delete-listed':
    case 'install-lists':
      return runListStep(turn, step, sofar);
    case 'write-file':
      if (step.when_whole && sofar.kind === 'incomplete') return GO_ON;
      return endedBy(writeStepFile(turn, step));
    case 'count-deletions':
      return countDeletions(turn, step);
    case 'prove-apt':
      return proveApt(turn, step);
    case 'prove-apt-archive':
      return proveAptArchive(turn, step);
    case 'prove-rpm':
      return proveRpm(turn, step);
    case 'fetch-signed-index':
      return fetchSignedIndex(turn, step);
    case 'prove-simple':
      return proveSimple(turn, step);
    case 'jigdo-images':
      return makeImages(turn, step);
    case 'count-images':
      return countImages(turn);
    case 'check-freshness':
      return checkFreshness(turn, step, facts.freshness);
    case 'prepare-repository':
      return prepareRepository(turn, step);
    case 'delete-refs':
      return deleteRefs(turn, step);
    case 'each-repository':
      return eachRepository(turn, step);
    case 'prove-refs':
      return proveRefs(turn, step);
    case 'count-closed':
      return countClosed(turn, step);
    case 'find-replaced':
      findReplaced(turn, step);
      return GO_ON;
    case 'publish-held':
      return publishHeld(turn, step);
    case 'repeat-if-changed':
      return askWhetherChanged(turn, step);
  }
}
