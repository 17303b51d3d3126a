import { dirname } from 'node:path';
import { STATE_DIRECTORIES, type Layout } from '../job/layout.js';
import type { Site } from '../model/site.js';
import type { Owner, System } from '../system/system.js';
import { isInstalled, missingTools } from './tools.js';

/** What a site needs of a machine; `site` null: the default config's. */
export interface Needs {
  readonly uid: string | number;
  readonly gid: string | number;
  /** Further users and their groups, of single packages. */
  readonly accounts: readonly { readonly user: string | number; readonly group: string | number }[];
  /** Directories that the mirror user writes to, made if missing. */
  readonly writable: readonly string[];
  readonly scheduler: 'systemd' | 'crontab';
  readonly packages: Site['packages'];
}

export interface SetupResult {
  /** What was done, one line each; empty when all was there. */
  readonly done: readonly string[];
  /** What a person has to do, with the command. */
  readonly problems: readonly string[];
}

export function needsOf({ settings, packages }: Site): Needs {
  const { logfolder, webroot, statusfile, statfile, logger, uid, gid, scheduler } = settings;
  const places = [logfolder, webroot, dirname(statusfile), dirname(statfile), logger.packagefileformat.base];
  const accounts = packages.map(({ user, group }) => ({ user, group }));
  return { uid, gid, accounts, writable: [...new Set(places)], scheduler, packages };
}

/**
 * Makes what an apply needs: accounts, directories, and a look at the tools. Does nothing twice, never takes anything
 * away, and changes owner or mode only of mirror's own directories. Below `--root` it makes directories only.
 */
export async function setup(needs: Needs, layout: Layout, system: System): Promise<SetupResult> {
  const isLive = layout.root === '';
  const done: string[] = [];
  const problems: string[] = [];
  if (isLive) await accounts(needs, system, done, problems);
  const user = isLive ? system.user(needs.uid) : null;
  const owner = user && { uid: user.uid, gid: system.group(needs.gid) ?? user.gid };
  const root = isLive ? { uid: 0, gid: 0 } : null;

  const directories: [string, number, Owner | null][] = [
    [layout.compiled, 0o755, root],
    [`${layout.compiled}/jobs`, 0o755, root],
    [layout.secrets, 0o700, root],
    [layout.state, 0o2775, owner],
    ...STATE_DIRECTORIES.map((name): [string, number, Owner | null] => [
      `${layout.state}/${name}`,
      0o2775,
      owner,
    ]),
  ];
  for (const [path, mode, whose] of directories) {
    const result = own(path, mode, whose, layout, system);
    done.push(...result.done);
    problems.push(...result.problems);
  }

  // What the config names lies where it says: below --root only what is there already belongs to it.
  const places = needs.writable.filter((path) => isLive || path.startsWith(`${layout.root}/`));
  for (const path of places) problems.push(...writable(path, needs, owner, system, done));
  if (isLive) problems.push(...toolProblems(needs, system));
  return { done, problems };
}

async function accounts(needs: Needs, system: System, done: string[], problems: string[]): Promise<void> {
  const all = [{ user: needs.uid, group: needs.gid }, ...needs.accounts];
  for (const { user, group } of all) {
    if (typeof group === 'string' && system.group(group) === null)
      await create(['groupadd', '--system', '--', group], `group ${group}`, system, done, problems);
    if (typeof user !== 'string' || system.user(user) !== null) continue;
    const home = ['--home-dir', '/var/lib/mirror', '--no-create-home', '--shell', '/usr/sbin/nologin'];
    const argv = ['useradd', '--system', '--gid', String(group), ...home, '--', user];
    await create(argv, `user ${user}`, system, done, problems);
  }
}

async function create(
  argv: readonly string[],
  what: string,
  system: System,
  done: string[],
  problems: string[],
): Promise<void> {
  const result = await system.run(argv);
  if (result.code === 0) done.push(`created ${what}`);
  else problems.push(`cannot create ${what}: ${result.stderr.trim()}`);
}

/**
 * A directory of mirror's own: made, and owner and mode as they must be. Inside the state directory a link is refused:
 * whoever owns that directory must not choose what root changes.
 */
function own(path: string, mode: number, owner: Owner | null, layout: Layout, system: System): SetupResult {
  const done: string[] = [];
  make(path, system, done);
  const real = path.startsWith(`${layout.state}/`) ? path : (system.realPath(path) ?? path);
  const [facts, actual] = [system.facts(real), system.actual(real)];
  if (facts?.kind !== 'directory' || actual.kind === 'link')
    return { done, problems: [`${path} is no directory: move it away`] };
  const isForeign = owner !== null && (facts.uid !== owner.uid || facts.gid !== owner.gid);
  if (isForeign) system.chown(real, owner);
  // After chown, which clears the set-group-id bit.
  const isOpen = system.facts(real)?.mode !== mode;
  if (isOpen) system.chmod(real, mode);
  return {
    done: done.length === 0 && (isForeign || isOpen) ? [`put right owner and mode of ${path}`] : done,
    problems: [],
  };
}

/** A directory of the site's: made for the mirror user if missing; one that he cannot write to is for a person. */
function writable(path: string, needs: Needs, owner: Owner | null, system: System, done: string[]): string[] {
  if (!system.facts(path)) {
    make(path, system, done);
    if (owner) system.chown(path, owner);
  }
  const facts = system.facts(path);
  if (facts?.kind !== 'directory') return [`${path} is no directory: move it away`];
  const isWritable =
    !owner ||
    owner.uid === 0 ||
    facts.uid === owner.uid ||
    (facts.gid === owner.gid && (facts.mode & 0o20) !== 0) ||
    (facts.mode & 0o2) !== 0;
  const account = `${String(needs.uid)}:${String(needs.gid)}`;
  return isWritable ? [] : [`${path} cannot be written by ${String(needs.uid)}: chown ${account} ${path}`];
}

function make(path: string, system: System, done: string[]): void {
  if (system.facts(path)) return;
  if (path !== '/') make(dirname(path), system, done);
  system.makeDirectory(path, 0o755);
  done.push(`created ${path}`);
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
  return missing.map(({ command, debian }) => `${command} is not installed: apt-get install ${debian}`);
}
