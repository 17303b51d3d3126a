import type { Tool } from '../../job/step.js';
import { debmirrorLine } from './debmirror.js';

/** One thing that a tool's dry run says it would do; bytes null where it does not say. */
export interface DryLine {
  readonly kind: 'add' | 'change' | 'delete';
  readonly bytes: number | null;
  /** Relative to dst, where dst must be asked: what is there is changed, and a directory goes with all that is in it. */
  readonly path?: string;
}

/** Reads a line of the output of each tool's dry run; null: it says nothing of the kind. */
export const dryLines: ReadonlyMap<Tool, (line: string) => DryLine | null> = new Map<
  Tool,
  (line: string) => DryLine | null
>([
  ['debmirror', debmirrorLine],
  ['lftp', lftpLine],
  ['rsync', rsyncLine],
]);

/** `--out-format=%i %l %n`: what happens, the length, the name. Directories and mere changes of time are not counted. */
function rsyncLine(line: string): DryLine | null {
  if (/^\*deleting /.test(line)) return { kind: 'delete', bytes: null };
  const [, flags, length] = /^([>ch][fLDS][^ ]{9}) (\d+) /.exec(line) ?? [];
  if (flags === undefined) return null;
  const kind = flags.slice(2).startsWith('+') ? 'add' : 'change';
  return { kind, bytes: flags[1] === 'f' && flags[0] === '>' ? Number(length) : 0 };
}

/** What `mirror --verbose` reports; it gives no sizes. */
function lftpLine(line: string): DryLine | null {
  const [, action = '', path = ''] =
    /^(Transferring file|Old file|Old directory) `(.*)'(?: is not removed)?$/.exec(line) ?? [];
  if (path === '') return null;
  return { kind: action === 'Transferring file' ? 'add' : 'delete', bytes: null, path };
}
