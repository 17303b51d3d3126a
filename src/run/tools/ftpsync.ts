import type { Omission } from '../../job/omission.js';
import { toPlainText } from '../../job/plain-text.js';
import type { Transfer } from '../../state/package-state.js';
import { together } from '../figures.js';
import { listsFiles, parseRsyncStats } from './rsync-stats.js';
import { OK } from './table.js';
import type { Row, ToolTable } from './table.js';

/**
 * What ftpsync's log says of a pass, whose exit code is rsync's; the run ends after the first that failed. More than its line
 * is matched, because the line explains nothing to people.
 */
function pass(codes: string): RegExp {
  return new RegExp(`\\n[^\\n]*\\]: Back from rsync with returncode (${codes})$`, 'm');
}

/** The same of the last pass. The lookahead finds it once, and no other is tried. */
function lastPass(codes: string): RegExp {
  return new RegExp(String.raw`^(?=([^]*\n[^\n]*\]: Back from rsync))\1 with returncode (${codes})(?:\n|$)`);
}

/** What rsync says, in the file that has nothing else or behind the time and process of its log. */
function says(text: string): RegExp {
  return new RegExp(String.raw`^(\d{4}/\d\d/\d\d [\d:]{8} \[\d+\] )?` + text, 'm');
}

/** ftpsync ends with 3 when its first pass failed and with 4 when the second did. */
const PASSES = [3, 4];

/** A hub's log that ends with the start of `runmirrors`. */
const UNTOLD = /^(?=[^]*\]: Trigger slave mirrors using )(?![^]*\]: Trigger slave done)/;

const rows: readonly Row[] = [
  [
    [0],
    // More than its line, which has all words of rsync's.
    /^(?![^]*\]: Running stage2: )[^]*\n[^\n]*\]: Running stage1: /,
    'incomplete',
    'stage 1 only, as the push asked: new files without the index that names them',
  ],
  [[0], lastPass('24'), 'partial', 'files vanished upstream during the transfer'],
  // A hub calls `runmirrors` when the archive is whole. What becomes of that is an omission.
  [null, UNTOLD, 'synced', ''],
  OK,
  [[78], null, 'config', 'ftpsync did not find its configuration'],
  [[64], null, 'config', 'ftpsync does not take these words'],
  [[1], /^.*are mutually exclusive\..*$/m, 'config', 'ftpsync takes one list of architectures'],
  [null, /^Unable to start rsync, lock file/m, 'tool', 'another ftpsync is at work in this directory'],
  [null, /\]: Update has been retried \d+ times/, 'unavailable', 'upstream is being updated'],
  [PASSES, says('@ERROR: (auth failed|access denied|Unknown module)'), 'auth', 'refused by upstream'],
  [PASSES, says('.*(password file|server requested a password)'), 'auth', 'password trouble'],
  [PASSES, pass('5|10|12|30|35|255'), 'unavailable', 'connection to upstream failed'],
  [PASSES, pass('1|2|4'), 'config', 'rsync does not take these arguments, or upstream is too different'],
  [PASSES, pass('126|127'), 'config', 'rsync cannot be run'],
  [PASSES, pass('3|11|14|22'), 'io', 'local trouble'],
  [PASSES, pass('20'), 'interrupted', 'rsync was told to stop'],
  [PASSES, pass('23'), 'transfer', 'some files were not transferred'],
  [null, /\]: Back from hook \d, got returncode [1-9]\d*$/m, 'tool', 'a hook of ftpsync failed'],
  [null, /(Read-only file system|Permission denied|Input\/output error)$/m, 'io', 'local trouble'],
];

/**
 * ftpsync runs rsync twice and ends with a code of its own; what happened is in its log and in rsync's, which the run
 * gathers.
 */
export const ftpsync: ToolTable = {
  name: 'ftpsync',
  never: [
    [
      null,
      says('Deletions stopped due to --max-delete limit'),
      'blocked',
      'the delete guard stopped deletions',
    ],
    [null, pass('25'), 'blocked', 'the delete guard stopped deletions'],
    [
      null,
      says(String.raw`rsync: (?!\[sender\]).*(No space left on device|Disk quota exceeded)`),
      'space',
      'no space left',
    ],
    [null, /^(?=.*ftpsync: ).*(No space left on device|Disk quota exceeded)$/m, 'space', 'no space left'],
  ],
  rows,
  neverStarted: [],
  explains: [
    /@ERROR/,
    says('rsync: '),
    /rsync error: /,
    /ftpsync: line \d+: /,
    /\]: ERROR: /,
    /\]: Back from hook /,
    /^(touch|mkdir|rm|mv|cp): /,
  ],
  // Of its second pass, which leaves out nothing. dst is not empty for want of them: ftpsync writes its own trace.
  lists: listsFiles,
  transfer: bothPasses,
  omissions: downstreamsNotTold,
};

/** A hub whose archive is whole but whose downstream mirrors were not told. */
function downstreamsNotTold(output: string): Omission[] {
  if (!UNTOLD.test(output)) return [];
  const said =
    /^.*runmirrors(?:: line \d+)?: .*$|^.*(?:No config|Unable|not found|unbound variable).*$/m.exec(
      output,
    )?.[0];
  const why = said === undefined ? '' : `: ${toPlainText(said.trim()).slice(0, 200)}`;
  return [{ kind: 'left-out', count: null, examples: [], text: `downstream mirrors were not told${why}` }];
}

/** Figures of both passes: what they moved adds up, what there is the last one says. */
function bothPasses(output: string): Transfer | null {
  const plain = output.replace(/^\d{4}\/\d\d\/\d\d [\d:]{8} \[\d+\] /gm, '');
  let total: Transfer | null = null;
  for (const part of plain.split(/^(?=Number of files: )/m)) total = together(total, parseRsyncStats(part));
  return total;
}
