import type { Layout } from '../job/layout.js';
import type { NotifyRule, SiteFile } from '../job/site-file.js';
import { isTime, type PackageState } from './package-state.js';
import { readRecord } from './record-file.js';
import { idsIn, peekState, readHold } from './store.js';

/** A way to reach people. */
export type Channel = 'command' | 'mail' | 'webhook';

/**
 * `incident/<id>.json`: a package has failed too often in a row, and who was told so. Written only by the holder of the
 * notices lock. It is there from the first notice until the one that says it is over. Times are epoch ms.
 */
export interface Incident {
  readonly id: string;
  /** End of the run that made it an incident; with the id, its name. */
  readonly since: number;
  readonly told: readonly Channel[];
  /** Who was told that it is over; anything here means that it is. */
  readonly over: readonly Channel[];
}

/** What people are to be told. */
export interface Notice {
  readonly event: 'failure' | 'recovery';
  readonly incident: Incident;
  /** Channels that it still has to go through. */
  readonly channels: readonly Channel[];
}

/** Channels that a rule names. */
export function channelsOf({ command, mail, webhook }: NotifyRule): Channel[] {
  const named: readonly [Channel, unknown][] = [
    ['command', command],
    ['mail', mail],
    ['webhook', webhook],
  ];
  return named.flatMap(([channel, target]) => (target === null ? [] : [channel]));
}

/**
 * What there is to tell about a package, or null; pure. An incident begins with `after_failures` errors in a row and ends
 * with the next success: each is told once through every channel, in this order. A package that its operator holds or
 * disabled starts no incident, and one that nobody was told about ends silently.
 */
export function noticeOf(
  rule: NotifyRule,
  state: PackageState,
  incident: Incident | null,
  quiet: boolean,
): Notice | 'forget' | null {
  const channels = channelsOf(rule);
  const rest = (done: readonly Channel[]): Channel[] => channels.filter((one) => !done.includes(one));
  if (incident === null) {
    if (quiet || state.errors < rule.after_failures) return null;
    const begun = { id: state.id, since: state.last_error ?? 0, told: [], over: [] };
    return { event: 'failure', incident: begun, channels };
  }
  const isOver = state.last_success !== null && state.last_success > incident.since;
  if (!isOver) {
    const channels = rest(incident.told);
    return quiet || channels.length === 0 ? null : { event: 'failure', incident, channels };
  }
  // Who never heard of it need not hear of its end.
  const owed = rest(incident.over).filter((one) => incident.told.includes(one));
  return owed.length === 0 ? 'forget' : { event: 'recovery', incident, channels: owed };
}

/** Whether anything is to be told or forgotten; cheap, changes nothing. `now` in epoch ms. */
export function hasNotices(layout: Layout, site: SiteFile, now: number): boolean {
  if (!site.notify) return false;
  const ids = new Set(site.packages.map(({ id }) => id));
  return (
    site.packages.some((pkg) => pendingNotice(layout, site, pkg.id, now) !== null) ||
    idsIn(layout, 'incident').some((id) => !ids.has(id))
  );
}

/** What there is to tell about one package of the site now. */
export function pendingNotice(
  layout: Layout,
  { notify, packages }: SiteFile,
  id: string,
  now: number,
): Notice | 'forget' | null {
  if (!notify) return null;
  const state = peekState(layout, id);
  const incident = readIncident(layout, id);
  // Most packages are well: nothing else is looked at.
  if (incident === null && state.errors < notify.after_failures) return null;
  const isDisabled = packages.some((pkg) => pkg.id === id && pkg.disabled);
  return noticeOf(notify, state, incident, isDisabled || readHold(layout, id, now) !== null);
}

/** The package's incident, or null. A file that cannot be understood is none: telling twice is better than never. */
export function readIncident(layout: Layout, id: string): Incident | null {
  try {
    const value = readRecord(layout.incidentFile(id)).value as Partial<Incident> | null;
    const isWhole = isTime(value?.since) && Array.isArray(value.told) && Array.isArray(value.over);
    return isWhole ? { ...(value as Incident), id } : null;
  } catch {
    return null;
  }
}

/** Whether a parsed value is a whole incident, whatever package it names. */
export function isIncident(value: unknown): value is Incident {
  const { since, told, over } = (value ?? {}) as Partial<Incident>;
  const isChannel = (one: unknown): boolean => one === 'command' || one === 'mail' || one === 'webhook';
  return isTime(since) && [told, over].every((list) => Array.isArray(list) && list.every(isChannel));
}
