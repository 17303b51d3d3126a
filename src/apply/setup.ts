import { stateDirectories, type Layout, type OwnDirectory } from '../job/layout.js';
import { siteLogFile, type LogFile } from '../model/logs.js';
import type { Site } from '../model/site.js';
import type { Owner, System } from '../system/system.js';
import { giveTo, setMode } from '../boundary/advice.js';
import { UnfitPlace } from '../boundary/held-path.js';
import { makeAccounts } from './accounts.js';
import { gitIgnoreOperations } from './git-ignore.js';
import { perform } from './operation.js';
import { logrotateFile, putFile, sysusersFile, tmpfilesFile, type Account } from './setup-files.js';
import { placeAt } from './place-at.js';
import { ownPlaces, strayMembers } from './realm-places.js';
import { openPlaces } from './open-places.js';
import { isShared, runPlaces, SHARED_MODE } from './shared-places.js';
import { beginWork, type Work } from './setup-work.js';
import { isInstalled, missingTools } from './tools.js';

/** What a site needs of a machine. */
export interface Needs {
  /** null: the default config's needs, where the config has errors. */
  readonly site: Site | null;
  readonly uid: string | number;
  readonly gid: string | number;
  /** Further users and their groups, of single packages. */
  readonly accounts: readonly Account[];
  /** Directories that the mirror user writes to, made if missing. */
  readonly writable: readonly string[];
  /** The site's own log, rotated by logrotate; null for none, or one whose name changes with time. */
  readonly log: LogFile | null;
  readonly scheduler: 'systemd' | 'crontab' | 'daemon';
  readonly packages: Site['packages'];
}

export interface SetupResult {
  /** What was done, one line each; empty when all was there. */
  readonly done: readonly string[];
  /** What a person has to do, with the command. */
  readonly problems: readonly string[];
}

/** What a site needs, from its config. */
export function needsOf(site: Site): Needs {
  const { settings, packages } = site;
  const { logfolder, webroot, logger, uid, gid, scheduler, socket } = settings;
  const places = [logfolder, webroot, ...runPlaces(settings)];
  const accounts = [
    ...packages.map(({ user, group }) => ({ user, group })),
    // The mirror user is not made in the socket's group: root stands in, who needs no making.
    { user: socket.uid === uid ? 0 : socket.uid, group: socket.gid },
  ];
  return {
    site,
    uid,
    gid,
    accounts,
    writable: [...new Set(places)],
    log: siteLogFile(logger),
    scheduler,
    packages,
  };
}

/**
 * Makes what an apply needs: accounts, directories, files for the machine's own programs (sysusers.d, tmpfiles.d,
 * logrotate.d), and a look at the tools. Does nothing twice, never takes anything away, and changes owner or mode only of
 * mirror's own directories. What it makes is recorded for `uninstall`. Below `--root` it makes directories and files only.
 */
export async function setup(needs: Needs, layout: Layout, system: System): Promise<SetupResult> {
  const work = beginWork(layout, system);
  const { isLive, done, problems } = work;
  const site: Account = { user: needs.uid, group: needs.gid };
  const all = [site, ...needs.accounts];
  if (isLive) await makeAccounts(all, work);
  else putFile(sysusersFile(all, layout), work);
  const user = isLive ? system.user(needs.uid) : null;
  const owner = user && { uid: user.uid, gid: system.group(needs.gid) ?? user.gid };
  // Of a realm: its user and the site's group.
  const ownerOf = (whose: string | number | null): Owner | null => {
    const found = whose === null ? owner : isLive ? system.user(whose) : null;
    return found && owner && { uid: found.uid, gid: owner.gid };
  };
  const root = isLive ? { uid: 0, gid: 0 } : null;

  const ownDirectories = needs.site ? ownPlaces(needs.site, layout) : stateDirectories(layout);
  const isInState = (path: string): boolean => path === layout.state || path.startsWith(`${layout.state}/`);
  const directories: [string, number, Owner | null][] = [
    [layout.compiled, 0o755, root],
    [`${layout.compiled}/jobs`, 0o755, root],
    [layout.secrets, 0o700, root],
    ...ownDirectories.flatMap(({ path, mode, user: whose }): [string, number, Owner | null][] =>
      isInState(path) ? [[path, mode, ownerOf(whose)]] : [],
    ),
  ];
  // What the config names lies where it says: below --root only what is there already belongs to it.
  const places = needs.writable.filter((path) => isLive || path.startsWith(`${layout.root}/`));
  // Below a base of logs, which is one of these places.
  const logs = ownDirectories.filter(({ path }) => isLive && !isInState(path));
  const made = makeMissing(
    [...[...directories.map(([path]) => path), ...places], ...logs.map(({ path }) => path)],
    work,
  );
  // Handed over when all is made, the innermost first: what lies in another user's directory is that user's to move.
  for (const { path, mode, user: whose } of [...logs].reverse())
    own(path, mode, ownerOf(whose), made.has(path), work);
  for (const [path, mode, whose] of [...directories].reverse()) own(path, mode, whose, made.has(path), work);
  const owned = new Set(directories.map(([path]) => path));
  for (const path of innermostFirst(places))
    writable(path, needs, owner, made.has(path) && !owned.has(path), work);
  for (const operation of gitIgnoreOperations(layout, system)) {
    perform(operation, system);
    done.push(`created ${operation.path}`);
  }
  await machineFiles(site, needs, ownDirectories, work);
  if (owner && needs.site) openPlaces(needs.site, owner.gid, work);
  if (isLive && needs.site) problems.push(...strayMembers(needs.site, system));
  if (isLive) problems.push(...toolProblems(needs, system));
  return { done, problems };
}

/** tmpfiles.d and logrotate.d. systemd-tmpfiles reads its new file at once, so that a mistake shows now and not at boot. */
async function machineFiles(
  site: Account,
  { log }: Needs,
  directories: readonly OwnDirectory[],
  work: Work,
): Promise<void> {
  const { layout, system } = work;
  const state = system.realPath(layout.state) ?? layout.state;
  const tmpfiles = tmpfilesFile(site, state, directories, layout);
  if (putFile(tmpfiles, work) && work.isLive) {
    const result = await system.run([tmpfiles.reader, '--create', tmpfiles.path]);
    if (result.code !== 0) work.problems.push(`${tmpfiles.reader}: ${result.stderr.trim()}`);
  }
  const logrotate = log === null ? null : logrotateFile(site, log, layout);
  if (logrotate) putFile(logrotate, work);
}

/** Makes the directories that are missing, root's for now; returns those. */
function makeMissing(paths: readonly string[], work: Work): Set<string> {
  const { system } = work;
  const missing = paths.filter((path) => !system.facts(path) && system.actual(path).kind === 'absent');
  for (const path of missing) work.makeDirectory(path);
  return new Set(missing);
}

function innermostFirst(paths: readonly string[]): string[] {
  return [...paths].sort((a, b) => b.length - a.length);
}

/**
 * Owner and mode of a directory of mirror's own as they must be. Inside the state directory a link is refused: the user
 * who owns that directory must not choose what root changes.
 */
function own(path: string, mode: number, owner: Owner | null, isMade: boolean, work: Work): void {
  const { layout, system } = work;
  const real = path.startsWith(`${layout.state}/`) ? path : (system.realPath(path) ?? path);
  const [facts, actual] = [system.facts(real), system.actual(real)];
  if (facts?.kind !== 'directory' || actual.kind === 'link') {
    work.problems.push(`${path} is no directory: move it away`);
    return;
  }
  const isForeign = owner !== null && (facts.uid !== owner.uid || facts.gid !== owner.gid);
  try {
    if (isForeign) system.chown(real, owner);
    // After chown, which clears the set-group-id bit.
    const isOpen = system.facts(real)?.mode !== mode;
    if (isOpen) system.chmod(real, mode);
    if (!isMade && (isForeign || isOpen)) work.done.push(`put right owner and mode of ${path}`);
  } catch (error) {
    if (!(error instanceof UnfitPlace)) throw error;
    const place = placeAt(path, system);
    const account = owner && `${String(owner.uid)}:${String(owner.gid)}`;
    const help = account !== null && isForeign ? giveTo(place, account) : setMode(place, mode.toString(8));
    work.problems.push(`${error.message}: ${help}`);
  }
}

/** A directory of the site's: if setup made it, the mirror user's, and the group's if others write there too. */
function writable(path: string, needs: Needs, owner: Owner | null, isMade: boolean, work: Work): void {
  const { system } = work;
  const isRuns = needs.site !== null && runPlaces(needs.site.settings).includes(path);
  if (isMade) {
    if (owner) system.chown(path, owner);
    // After chown, which clears the set-group-id bit.
    if (isRuns && isShared(needs.site)) system.chmod(path, SHARED_MODE);
  }
  const facts = system.facts(path);
  if (facts?.kind !== 'directory') {
    work.problems.push(`${path} is no directory: move it away`);
    return;
  }
  // Of these `openPlaces` says it.
  if (isRuns) return;
  const isWritable =
    !owner ||
    owner.uid === 0 ||
    facts.uid === owner.uid ||
    (facts.gid === owner.gid && (facts.mode & 0o20) !== 0) ||
    (facts.mode & 0o2) !== 0;
  const account = `${String(needs.uid)}:${String(needs.gid)}`;
  if (!isWritable)
    work.problems.push(
      `${path} cannot be written by ${String(needs.uid)}: ${giveTo(placeAt(path, system), account)}`,
    );
}

function toolProblems(needs: Needs, system: System): string[] {
  const scheduler = needs.scheduler === 'systemd' ? ['systemctl', 'systemd-analyze'] : [];
  const missing = [
    ...missingTools({ packages: needs.packages }, system),
    ...scheduler
      .filter((command) => !isInstalled(command, system))
      .map((command) => ({ command, debian: 'systemd' })),
    ...(needs.scheduler === 'crontab' && !['cron', 'crond'].some((command) => isInstalled(command, system))
      ? [{ command: 'cron', debian: 'cron' }]
      : []),
  ];
  return missing.map(({ command, debian }) =>
    debian === ''
      ? `${command} is not installed, and a package's command is to run it`
      : `${command} is not installed: apt-get install ${debian}`,
  );
}
