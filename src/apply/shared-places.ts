import { dirname, join } from 'node:path';
import { giveTo, giveTreesTo, openToGroup, type Place } from '../boundary/advice.js';
import { moveAway } from '../job/move-away.js';
import { zoneOffset } from '../job/zone.js';
import { logBases, logPlaces, siteLogFile } from '../model/logs.js';
import { realmOf } from '../model/realm.js';
import type { Site } from '../model/site.js';
import type { ClosedPlace } from '../plan/observation.js';
import type { FileFacts, Reader } from '../system/system.js';
import { placeAt } from './place-at.js';
import type { Account } from './setup-files.js';

/** Set-group-id and group-writable: what is made inside belongs to the group, and its other members may write there. */
export const SHARED_MODE = 0o2775;

/** Directories outside mirror's own that every run writes to: its log, and what publishing writes. */
export function runPlaces({ logger, statusfile, statfile }: Site['settings']): string[] {
  return [...new Set([...logBases(logger), dirname(statusfile), dirname(statfile)])];
}

/** The site's own user first, then those of single packages without a realm, each once. All are in the site's group. */
export function runAccounts({ settings, packages }: Site): Account[] {
  const site = { user: settings.uid, group: settings.gid };
  const shared = packages.filter((pkg) => realmOf(settings, pkg) === null);
  const own = shared.map(({ user, group }) => ({ user, group }));
  return [...new Map([site, ...own].map((account) => [String(account.user), account])).values()];
}

/** Whether runs of several users write to the same places. */
export function isShared(site: Site): boolean {
  return runAccounts(site).length > 1;
}

/**
 * Which of the places of a site somebody whose runs write there cannot write to, with the command that helps; places that
 * are missing are left out. Below a log's base these are the folders of today, which may be those of a program of before,
 * and the site's own log. Under several users the base must hand its group on to what runs make there. `at` in epoch ms.
 */
export function closedPlaces(site: Site, at: number, system: Reader): ClosedPlace[] {
  const { settings } = site;
  const accounts = runAccounts(site);
  const logs = logPlaces(settings.logger);
  const siteFile = siteLogFile(settings.logger);
  const groups = (system.read('/etc/group') ?? '').split('\n').map((line) => line.split(':'));
  const writers = accounts
    .map((account) => writer(account, settings.gid, groups, system))
    .filter((found) => found !== null);
  return runPlaces(settings).flatMap((path): ClosedPlace[] => {
    const here = logs.filter(({ base }) => base === path);
    const isLog = here.length > 0;
    const wall = at + zoneOffset(settings.localtimezone, at);
    const inside = here.flatMap((log) => [
      ...folders(log, wall),
      ...(log === settings.logger.fileformat && siteFile !== null ? [siteFile.path] : []),
    ]);
    for (const place of [path, ...inside]) {
      const facts = system.facts(place);
      if (facts === null) continue;
      const isFile = facts.kind !== 'directory';
      const help = isFile
        ? moveAway(place)
        : place === path
          ? openCommand(placeAt(place, system), accounts, settings)
          : folderCommand(placeAt(place, system), writers, settings);
      const [shut, unsure] = [outside(facts, writers, false), outside(facts, writers, true)];
      const handsOn = isFile || !isLog || accounts.length === 1 || (facts.mode & 0o2020) === 0o2020;
      if (shut.length > 0) return [{ path: place, users: shut, sure: true, help }];
      if (!handsOn) return [{ path: place, users: [], sure: true, help }];
      if (unsure.length > 0) return [{ path: place, users: unsure, sure: false, help }];
    }
    return [];
  });
}

/** Somebody whose runs write: numbers, and the name that the config has. */
interface Writer {
  readonly name: string;
  readonly uid: number;
  readonly groups: ReadonlySet<number>;
}

/** null for a user whom nobody knows, which is said elsewhere. `groups` are the rows of group(5). */
function writer(
  { user, group }: Account,
  shared: string | number,
  groups: readonly (readonly string[])[],
  system: Reader,
): Writer | null {
  const owner = system.user(user);
  if (!owner) return null;
  const named = [group, shared].flatMap((name) => system.group(name) ?? []);
  const member = groups.flatMap(([, , gid, names = '']) =>
    names.split(',').includes(String(user)) ? [Number(gid)] : [],
  );
  return { name: String(user), uid: owner.uid, groups: new Set([owner.gid, ...named, ...member]) };
}

/**
 * Who may not write. By the mode alone it is certain only where the group may not either: an access control list shows as
 * the group's bits, and groups that come from a directory such as LDAP are not known here.
 */
function outside(facts: FileFacts, writers: readonly Writer[], isGroupOpen: boolean): string[] {
  const needed = facts.kind === 'directory' ? 3 : 2;
  const bits = (shift: number): boolean => ((facts.mode >> shift) & needed) === needed;
  return writers
    .filter(({ uid, groups }) => {
      if (uid === 0) return false;
      if (uid === facts.uid) return !isGroupOpen && !bits(6);
      if (bits(0)) return false;
      return bits(3) ? isGroupOpen && !groups.has(facts.gid) : !isGroupOpen;
    })
    .map(({ name }) => name);
}

/** The folders of a log made at this wall-clock time, outermost first; none where each package has its own. */
function folders({ base, folder }: Site['settings']['logger']['packagefileformat'], wall: number): string[] {
  if (folder.includes('{packageid}')) return [];
  const [, year, month, day, hour, minute] =
    /^(\d+)-(\d+)-(\d+)T(\d+):(\d+)/.exec(new Date(wall).toISOString()) ?? [];
  const fields: Readonly<Record<string, string | undefined>> = { year, month, day, hour, minute };
  const names = folder
    .replace(/\{(\w+)\}/g, (whole, name: string) => fields[name] ?? whole)
    .split('/')
    .filter(Boolean);
  return names.map((_, i) => join(base, ...names.slice(0, i + 1)));
}

/** The command that opens a place of the config's. */
function openCommand(place: Place, accounts: readonly Account[], { uid, gid }: Site['settings']): string {
  return accounts.length > 1 ? openToGroup(place, gid) : giveTo(place, `${String(uid)}:${String(gid)}`);
}

/** The command that opens a folder of logs, which some run made. What belongs to users of runs, setup opens as those users. */
function folderCommand(place: Place, writers: readonly Writer[], { uid, gid }: Site['settings']): string {
  if (writers.length === 1) return giveTreesTo([place], `${String(uid)}:${String(gid)}`);
  return writers.some((writer) => writer.uid === place.uid) ? 'mirror setup' : moveAway(place.path);
}
