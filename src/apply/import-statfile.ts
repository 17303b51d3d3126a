import type { Layout } from '../job/layout.js';
import { moveAway } from '../job/move-away.js';
import { importStat } from '../state/import.js';
import type { Reader } from '../system/system.js';
import { STATE_MODE, type Operation } from './operation.js';
import type { StateWishes } from './state-wishes.js';

/** Only for its owner: mirror.py writes passwords into its stat.json, readable by everyone. */
const BACKUP_MODE = 0o600;

/** Some hundred bytes a package, for more packages than any site has. */
const STATFILE_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * A first apply over mirror.py's stat.json, of all packages or since `statfile` names it: it becomes the state of packages
 * that have none, and its text is kept as `.bak` before publishing replaces it.
 */
export function importStatfile(
  wish: StateWishes['statfile'],
  layout: Layout,
  hasState: (id: string) => boolean,
  system: Reader,
): { readonly operations: Operation[]; readonly messages: string[] } {
  if (wish === null || (wish.isFirst && hasStates(layout, system))) return { operations: [], messages: [] };
  const { path } = wish;
  const found = system.actual(path);
  if (found.kind === 'absent') return { operations: [], messages: [] };
  if (found.kind !== 'file')
    return { operations: [], messages: [`${path} cannot be read: its history is not taken over`] };
  const text = found.content;
  if (Buffer.byteLength(text) > STATFILE_LIMIT_BYTES)
    throw new Error(`${path} is larger than any stat.json of mirror.py: ${moveAway(path, `${path}.odd`)}`);
  const { states, warnings } = importStat(
    text,
    wish.ids.filter((id) => !hasState(id)),
  );
  const backup = freeName(`${path}.bak`, text, system);
  const isKept = system.actual(backup).kind !== 'absent';
  return {
    operations: [
      // Also when nothing of it is understood: publishing replaces it.
      ...(isKept ? [] : [{ kind: 'write', path: backup, content: text, mode: BACKUP_MODE } as const]),
      ...states.map((state): Operation => {
        const content = JSON.stringify(state);
        return { kind: 'write', path: layout.stateFile(state.id), content, mode: STATE_MODE };
      }),
    ],
    messages: [...warnings, takenOver(states.length, warnings, path, backup)],
  };
}

/** Uninstalling leaves the states, and what was published of them. */
function hasStates(layout: Layout, system: Reader): boolean {
  return system.list(`${layout.state}/state`, 100).some(({ name }) => name.endsWith('.json'));
}

function takenOver(count: number, warnings: readonly string[], statfile: string, backup: string): string {
  if (count > 0)
    return `history of ${String(count)} ${count === 1 ? 'package' : 'packages'} taken over from ${statfile}, kept as ${backup}`;
  return warnings.length > 0
    ? `${statfile} is kept as ${backup}`
    : `${statfile} tells nothing new of these packages; it is kept as ${backup}`;
}

/** `path`, or `path.1` and so on if something else has that name: an older backup may still be wanted. */
function freeName(path: string, text: string, system: Reader): string {
  const isFree = (name: string): boolean => {
    const found = system.actual(name);
    return found.kind === 'absent' || (found.kind === 'file' && found.content === text);
  };
  let free = path;
  for (let index = 1; !isFree(free); index++) free = `${path}.${String(index)}`;
  return free;
}
