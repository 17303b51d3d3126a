import { dirname } from 'node:path';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { isZone } from '../job/zone-names.js';
import { webhookFile } from '../model/notify.js';
import type { Site } from '../model/site.js';
import { jobBefore, renamed, type Intent } from '../plan/assemble.js';
import { changes } from '../plan/changes.js';
import type { Destination, Host, Observation } from '../plan/observation.js';
import type { Change, Manifest } from '../plan/plan.js';
import { isMountPoint } from '../run/mounts.js';
import type { Owner, Reader } from '../system/system.js';
import { countFiles } from './count-files.js';
import { lookAtMachine } from './machine.js';
import { openSecrets } from './open-secrets.js';
import { readManifest } from './read-manifest.js';
import { isBare, wantsRefetch } from './refetch.js';
import { ownPlaces } from './realm-places.js';
import { findSharedTrees } from './shared-trees.js';
import { closedPlaces, runPlaces } from './shared-places.js';
import { looseSecrets, missingSecrets, missingTools, setIdMailer } from './tools.js';

/** Files of a dst that are counted before we say "more than". */
const COUNT_LIMIT = 10_000;

/**
 * Looks at everything a plan depends on. With nothing to change it reads the artifacts' files and whose the states are,
 * and no more: no user, dst or tool is asked after, and no program is started; with `refetch` each dst is, whether it is empty. Throws
 * UnusableManifest.
 */
export function observe(intent: Intent, system: Reader, refetch = false): Observation {
  const manifest = readManifest(intent.layout, system);
  const found = changes(intent.artifacts, manifest, (path, guess) => system.actual(path, guess));
  const unchanged = found.every(({ kind }) => kind === 'unchanged');
  const asked = unchanged && !refetch ? new Map() : destinations(intent, manifest, found, refetch, system);
  const machine = lookAtMachine(intent, system);
  const idle = unchanged && asked.size === 0 && machine.other === null;
  return {
    manifest,
    changes: found,
    destinations: asked,
    sharedTrees: idle ? [] : findSharedTrees(inRoot(intent), system),
    machine,
    host: idle ? null : host(intent, system),
    now: system.now(),
  };
}

function destinations(
  { site, layout, jobs }: Intent,
  manifest: Manifest,
  found: readonly Change[],
  refetch: boolean,
  system: Reader,
): Map<string, Destination> {
  const oldIds = new Map([...renamed(site, layout, manifest)].map(([old, id]) => [id, old]));
  const mountinfo = system.read('/proc/self/mountinfo') ?? '';
  const byPath = new Map(found.map((change) => [change.path, change]));
  const asked = new Map<string, Destination>();
  const made = new Set([...jobs.values()].map(({ dst }) => dst));
  for (const [id, job] of jobs) {
    const change = byPath.get(layout.job(id));
    if (!change || isOutside(layout, job.dst)) continue;
    const old = byPath.get(layout.job(oldIds.get(id) ?? id));
    const before = change.kind === 'unchanged' ? job : old ? jobBefore([old], old.path) : null;
    const stays = before !== null && key(before) === key(job);
    if (stays && !(refetch && isBare(job.dst, system))) continue;
    const { mount } = job.guard;
    const there = look(job.dst, made, system);
    const mounted = mount === null || isMountPoint(mount, mountinfo);
    // One that comes back is judged by the state it left: without a word its dst would be new, and every run would fail.
    const asksAgain = before === null || (refetch && before.dst === job.dst);
    const again = asksAgain && wantsRefetch(layout, job, there, mounted, system);
    if (stays && !again) continue;
    asked.set(id, {
      job,
      before,
      found: there,
      kept: kept(layout, id, system),
      mounted,
      hasContent: before !== null && hasContent(layout, before, system),
      refetch: again,
    });
  }
  return asked;
}

/** Jobs whose dst is this machine's to look at. */
function inRoot({ jobs, layout }: Intent): Job[] {
  return [...jobs.values()].filter(({ dst }) => !isOutside(layout, dst));
}

/** Below `--root` a dst elsewhere belongs to the running machine: nothing will ever be synced there from here. */
function isOutside(layout: Layout, dst: string): boolean {
  return layout.root !== '' && !dst.startsWith(`${layout.root}/`);
}

/** What of a job a dst has to fit. */
function key({ dst, run_as, guard }: Job): string {
  return JSON.stringify([dst, run_as.user, guard.mount]);
}

/** `made`: other packages' dst, which an apply makes as well. */
function look(dst: string, made: ReadonlySet<string>, system: Reader): Destination['found'] {
  const facts = system.facts(dst);
  if (!facts) {
    const there = system.actual(dst);
    if (there.kind === 'other' && there.refused) return { kind: 'behind-link', ...there.refused };
    if (there.kind !== 'absent') return { kind: 'no-directory' };
    const parent = dirname(dst);
    const hasParent = made.has(parent) || system.facts(parent)?.kind === 'directory';
    return { kind: 'missing', parent: hasParent };
  }
  if (facts.kind !== 'directory') return { kind: 'no-directory' };
  const files = countFiles(system, dst, COUNT_LIMIT + 1);
  const more = files > COUNT_LIMIT;
  return {
    kind: 'directory',
    files: more ? COUNT_LIMIT : files,
    more,
    owner: { uid: facts.uid, gid: facts.gid },
    isSteady: system.isSteady(dst),
  };
}

function kept(layout: Layout, id: string, system: Reader): Destination['kept'] {
  const places = [
    layout.markerDirectory(id),
    layout.workDirectory(id),
    layout.cacheDirectory(id),
    layout.homeDirectory(id),
  ];
  return places.flatMap((path) => {
    const facts = system.facts(path);
    return facts ? [{ path, uid: facts.uid, isSteady: system.isSteady(path) }] : [];
  });
}

function hasContent(layout: Layout, before: Job, system: Reader): boolean {
  const state = system.read(layout.stateFile(before.id));
  return /"last_success": ?\d/.test(state ?? '') || countFiles(system, before.dst, 1) > 0;
}

function host({ site, layout, artifacts, jobs, executable }: Intent, system: Reader): Host {
  const live = layout.root === '';
  const people = live
    ? accounts([...jobs.values()], site, system)
    : { missingUsers: [], missingGroups: [], users: new Map() };
  const program = system.facts(executable);
  const webhook = webhookFile(site, layout);
  const runnable = program?.kind === 'file' && (program.mode & 0o111) !== 0;
  return {
    live,
    isRoot: system.uid() === 0,
    ...people,
    missingDirectories: live ? missingDirectories(site, layout, system) : [],
    closed: live && jobs.size > 0 ? closedPlaces(site, system.now(), system) : [],
    missingTools: live ? missingTools(site, system) : [],
    setIdMailer: live ? setIdMailer(site, system) : null,
    // Only cron goes by it.
    zone: live && site.settings.scheduler === 'crontab' ? hostZone(system) : null,
    missingSecrets: missingSecrets(jobs, webhook, artifacts, system),
    looseSecrets: live ? looseSecrets(jobs, webhook, system) : [],
    openSecrets: live ? openSecrets(site, jobs, webhook, system) : [],
    executable: runnable ? system.realPath(executable) : null,
  };
}

/** By localtime(5), a link into the zone database. */
function hostZone(system: Reader): string | null {
  const zone = /\/zoneinfo\/(.+)$/.exec(system.realPath('/etc/localtime') ?? '')?.[1] ?? null;
  return zone !== null && isZone(zone) ? zone : null;
}

function accounts(
  jobs: readonly Job[],
  { settings: { scheduler, socket } }: Site,
  system: Reader,
): { missingUsers: string[]; missingGroups: string[]; users: Map<string | number, Owner> } {
  // cron has no control socket.
  const listeners = scheduler === 'crontab' ? [] : [socket];
  const names = new Set([...jobs.map(({ run_as }) => run_as.user), ...listeners.map(({ uid }) => uid)]);
  const groups = new Set([
    ...jobs.flatMap(({ run_as }) => [run_as.group, run_as.shared_group]),
    ...listeners.map(({ gid }) => gid),
  ]);
  const users = new Map(
    [...names].flatMap((name) => {
      const owner = system.user(name);
      return owner ? [[name, owner] as const] : [];
    }),
  );
  return {
    missingUsers: [...names].filter((name) => !users.has(name)).map(String),
    missingGroups: [...groups].filter((name) => system.group(name) === null).map(String),
    users,
  };
}

/** Where a scheduler's own files go. */
const SCHEDULER_DIRECTORY: Readonly<Record<Site['settings']['scheduler'], (layout: Layout) => string[]>> = {
  systemd: ({ units }) => [units],
  crontab: () => ['/etc/cron.d'],
  daemon: () => [],
};

/** In the state directory a link is none: it belongs to a user who must not lead root's writes elsewhere. */
function missingDirectories(site: Site, layout: Layout, system: Reader): string[] {
  const own = [
    layout.compiled,
    layout.secrets,
    ...runPlaces(site.settings),
    ...SCHEDULER_DIRECTORY[site.settings.scheduler](layout),
  ];
  const isLink = (path: string): boolean => system.actual(path).kind === 'link';
  const state = ownPlaces(site, layout).map(({ path }) => path);
  const isMissing = (path: string): boolean => system.facts(path)?.kind !== 'directory';
  return [...new Set([...own.filter(isMissing), ...state.filter((path) => isMissing(path) || isLink(path))])];
}
