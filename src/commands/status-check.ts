import type { OverviewRow } from '../state/overview.js';
import type { Word } from '../state/status.js';
import { ago } from './moment.js';
import { plain } from './table.js';

/** What a monitoring plug-in answers: exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, and one line with performance data. */
export interface Verdict {
  readonly exit: number;
  readonly line: string;
}

type Judged = Pick<
  OverviewRow,
  | 'id'
  | 'status'
  | 'reason'
  | 'unreadable'
  | 'stale'
  | 'stale_after'
  | 'last_success'
  | 'upstream_time'
  | 'upstream_old'
>;

type Level = 0 | 1 | 2;

/**
 * How bad each word is. A failed sync is a warning while what is served is fresh enough: staleness is what users see.
 * A block is critical at once, because nothing but a person ends it.
 */
const LEVEL: Record<Word, Level> = {
  ok: 0,
  syncing: 0,
  waiting: 0,
  disabled: 0,
  'never ran': 1,
  held: 1,
  incomplete: 1,
  interrupted: 1,
  stopped: 1,
  retrying: 1,
  failed: 1,
  'timed-out': 1,
  stale: 2,
  unreadable: 2,
  blocked: 2,
};

const LABEL = ['OK', 'WARNING', 'CRITICAL'] as const;
const NAMED = 5;

/**
 * Judges the packages together: the worst counts. `maxAge` (seconds) makes every package whose last success is older
 * critical, whatever its own `stale_after`; null leaves that to the packages. An upstream that is old, and a success
 * that lies in the future, are critical either way, and so is any of `troubles`: why no run can record anything, and files of
 * the whole site that are not read. `now` in epoch ms.
 */
export function judge(
  packages: readonly Judged[],
  maxAge: number | null,
  now: number,
  troubles: readonly string[] = [],
): Verdict {
  const findings = packages.map((each) => ({ each, ...level(each, maxAge, now) }));
  const exit = Math.max(troubles.length > 0 ? 2 : 0, ...findings.map((finding) => finding.level)) as Level;
  const worst = findings.filter((finding) => finding.level > 0).sort((a, b) => b.level - a.level);
  const named = worst.slice(0, NAMED).map(({ each, words }) => `${each.id} ${words}`);
  const more = worst.length > NAMED ? [`${String(worst.length - NAMED)} more`] : [];
  const good = String(packages.length - worst.length);
  const counted = `${good} of ${String(packages.length)} packages fine`;
  const summary = [...troubles.slice(0, NAMED), counted, ...named, ...more].join('; ');
  // A bar separates the performance data.
  return {
    exit,
    line: `MIRROR ${LABEL[exit]} - ${plain(summary).replaceAll('|', '/')} | ${figures(packages, now)}`,
  };
}

function level(each: Judged, maxAge: number | null, now: number): { level: Level; words: string } {
  const { status: word, reason, stale_after, unreadable } = each;
  if (unreadable.length > 0) return { level: 2, words: `unreadable (${unreadable.join(', ')})` };
  const age = ageOf(each, now);
  const success = age === null ? 'no success yet' : `last success ${ago(now - age, now)}`;
  if (word !== 'disabled' && word !== 'held') {
    // No age is old enough for a time that a wrong clock wrote.
    const limit = maxAge !== null && stale_after !== null && age !== null && age >= 0;
    const old = limit ? age > maxAge * 1000 || each.upstream_old : each.stale;
    const upstream = each.upstream_old ? `upstream itself is of ${String(each.upstream_time)}` : null;
    const known = reason?.startsWith('last success') === true ? upstream : reason;
    const because = known === null ? success : `${known}; ${success}`;
    if (old) return { level: 2, words: `${word === 'ok' ? 'old' : word} (${because})` };
    // The caller's limit replaces the package's: what is stale by that one alone is fine.
    if (word === 'stale') return { level: 0, words: '' };
  }
  return { level: LEVEL[word], words: `${word} (${reason ?? success})` };
}

function figures(packages: readonly Judged[], now: number): string {
  const count = (...words: Word[]): string =>
    String(packages.filter(({ status }) => words.includes(status)).length);
  const ages = packages
    .filter(({ stale_after }) => stale_after !== null)
    .map((each) => ageOf(each, now))
    .filter((age) => age !== null);
  return [
    `packages=${String(packages.length)}`,
    `syncing=${count('syncing')}`,
    `failed=${count('failed', 'timed-out', 'retrying')}`,
    `stale=${String(packages.filter(({ stale }) => stale).length)}`,
    `blocked=${count('blocked')}`,
    `held=${count('held')}`,
    `oldest=${String(Math.round(Math.max(0, ...ages) / 1000))}s`,
  ].join(' ');
}

/** Milliseconds since the last success. */
function ageOf({ last_success: success }: Judged, now: number): number | null {
  return success === null ? null : now - Date.parse(success);
}
