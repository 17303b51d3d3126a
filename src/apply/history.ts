import { dirname } from 'node:path';
import type { Layout } from '../job/layout.js';
import type { Plan } from '../plan/plan.js';
import type { Reader } from '../system/system.js';

/** One line of the apply history. */
export interface ApplyRecord {
  readonly format: 'mirror/applied/1';
  /** Epoch ms. */
  readonly at: number;
  /** Who: SUDO_USER, else the user. */
  readonly by: string;
  readonly config: string;
  /** Commit of the config's repository; null where there is none, or git does not trust it. */
  readonly revision: string | null;
  /** Whether the config's files, or what is tracked beside them, differed from that commit. */
  readonly dirty: boolean;
  /** How many packages were new, changed, removed, and files written and deleted. */
  readonly packages: { readonly new: number; readonly changed: number; readonly removed: number };
  readonly files: { readonly written: number; readonly deleted: number };
  /** `+debian`, `~CTAN`, `-own`; at most a hundred. */
  readonly ids: readonly string[];
}

const MAX_RECORDS = 1000;
const MAX_IDS = 100;
const RUNES = { new: '+', changed: '~', removed: '-' } as const;

/** Every apply that is still remembered, oldest first. A line that a full disk cut short is left out. */
export function readApplyHistory(system: Pick<Reader, 'read'>, layout: Layout): ApplyRecord[] {
  return lines(system.read(layout.applyHistory)).flatMap((line) => {
    try {
      return [JSON.parse(line) as ApplyRecord];
    } catch {
      return [];
    }
  });
}

/** The history file with one more record; the oldest go. */
export function withRecord(system: Reader, layout: Layout, record: ApplyRecord): string {
  const kept = lines(system.read(layout.applyHistory)).slice(1 - MAX_RECORDS);
  return `${[...kept, JSON.stringify(record)].join('\n')}\n`;
}

/** What a plan that is being applied looks like in the history. */
export function applyRecord(
  plan: Plan,
  about: Pick<ApplyRecord, 'at' | 'by' | 'config' | 'revision' | 'dirty'>,
): ApplyRecord {
  const count = (kind: keyof typeof RUNES): number => plan.packages.filter((pkg) => pkg.kind === kind).length;
  const deleted = plan.changes.filter((change) => !('after' in change) || change.after === null).length;
  return {
    format: 'mirror/applied/1',
    ...about,
    packages: { new: count('new'), changed: count('changed'), removed: count('removed') },
    files: { written: plan.changes.length - deleted, deleted },
    ids: plan.packages.slice(0, MAX_IDS).map(({ kind, id }) => RUNES[kind] + id),
  };
}

/**
 * Commit and cleanness of the config's repository: of the files read that lie in it, new ones too, and of all beside them
 * that it tracks, because one that is gone was not read. Links are followed into a checkout. git itself refuses a
 * repository of another user (it could make us run its programs); then, as without git, there is no revision.
 */
export async function configRevision(
  config: string,
  files: readonly string[],
  system: Reader,
): Promise<{ revision: string | null; dirty: boolean }> {
  const real = (path: string): string => system.realPath(path) ?? path;
  const git = ['git', '--literal-pathspecs', '-C', dirname(real(config))];
  const head = await system.query([...git, 'rev-parse', '--show-toplevel', 'HEAD']);
  const [top = '', revision = ''] = lines(head.stdout);
  if (head.code !== 0 || revision === '') return { revision: null, dirty: false };
  const tracked = files.map(real).filter((path) => path.startsWith(`${top}/`));
  const differs = async (...what: string[]): Promise<boolean> => {
    const status = await system.query([...git, 'status', '--porcelain', ...what]);
    return status.code !== 0 || status.stdout.trim() !== '';
  };
  const places = [...new Set(tracked.map((path) => dirname(path)))];
  const dirty = (await differs('--', ...tracked)) || (await differs('-uno', '--', ...places));
  return { revision, dirty };
}

function lines(text: string | null): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}
