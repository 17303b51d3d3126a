import type { Layout } from '../job/layout.js';
import { isIncident } from '../state/incident.js';
import {
  emptyState,
  isBaseline,
  isHold,
  isPackageState,
  isRequest,
  isRunRecord,
} from '../state/package-state.js';
import type { PackageState } from '../state/package-state.js';
import { renamed } from '../state/reduce.js';
import type { Reader } from '../system/system.js';
import { STATE_MODE, type Operation } from './operation.js';

/**
 * What is known and was asked of a package follows it to its new id, so that people are not told of its incident twice,
 * or never that it is over; what the new id already has stays. Each file is parsed and written again as what was
 * understood of it: bytes are never copied. A file that does not parse stays where it is, with a message.
 */
export function carryOver(
  { before, after }: { readonly before: Layout; readonly after: Layout },
  old: string,
  id: string,
  system: Reader,
): { readonly operations: Operation[]; readonly messages: string[] } {
  const messages: string[] = [];
  const operations = FILES.flatMap(({ fileOf, understand }): Operation[] => {
    const [from, to] = [fileOf(before, old), fileOf(after, id)];
    if (system.actual(from).kind === 'absent' || system.actual(to).kind !== 'absent') return [];
    const content = understand(system.read(from) ?? '', old, id);
    if (content === null) {
      messages.push(`${from} cannot be understood, so it does not follow ${old} to ${id}`);
      return [];
    }
    return [
      { kind: 'write', path: to, content, mode: STATE_MODE },
      { kind: 'unlink', path: from },
    ];
  });
  return { operations, messages };
}

interface CarriedFile {
  readonly fileOf: (layout: Layout, id: string) => string;
  /** The text of the new file; null if the old one's cannot be understood. */
  readonly understand: (text: string, old: string, id: string) => string | null;
}

const FILES: readonly CarriedFile[] = [
  { fileOf: (layout, id) => layout.stateFile(id), understand: renamedState },
  {
    fileOf: (layout, id) => layout.holdFile(id),
    understand: only(isHold, ['since', 'until', 'by', 'reason']),
  },
  { fileOf: (layout, id) => layout.historyFile(id), understand: records },
  {
    fileOf: (layout, id) => layout.baselineFile(id),
    understand: only(isBaseline, ['at', 'fresh_dst', 'fresh_after']),
  },
  { fileOf: (layout, id) => layout.incidentFile(id), understand: renamedIncident },
  {
    fileOf: (layout, id) => layout.requestFile(id),
    understand: only(isRequest, ['at', 'by', 'allow_deletes', 'push', 'not_before', 'words']),
  },
];

function renamedState(text: string, old: string, id: string): string | null {
  const parsed = parse(text);
  // Fields that a newer minor version added are filled in, as every reader does.
  const state = parsed && ({ ...emptyState(old), ...parsed } as PackageState);
  if (!state || !isPackageState(state, old)) return null;
  return JSON.stringify(pick(renamed(state, id), [...Object.keys(emptyState(id)), 'freshness', 'omissions']));
}

function renamedIncident(text: string, _old: string, id: string): string | null {
  const incident = parse(text);
  return isIncident(incident) ? JSON.stringify({ ...pick(incident, ['since', 'told', 'over']), id }) : null;
}

/** Leaves out lines that are not runs; a file without a single run is not understood. */
function records(text: string): string | null {
  const runs = text.split('\n').flatMap((line) => {
    const record = parse(line);
    return isRunRecord(record) ? [`${JSON.stringify(record)}\n`] : [];
  });
  return runs.length === 0 ? null : runs.join('');
}

function only<T extends object>(
  isWhole: (value: Partial<T> | null) => value is T,
  keys: readonly (keyof T & string)[],
): CarriedFile['understand'] {
  return (text) => {
    const value = parse(text) as Partial<T> | null;
    return isWhole(value) ? JSON.stringify(pick(value, keys)) : null;
  };
}

function pick(value: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));
}

function parse(text: string): object | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
