import { dirname } from 'node:path';
import type { Layout, OwnDirectory } from '../job/layout.js';
import type { LogFile } from '../model/logs.js';
import { sha256 } from '../system/digest.js';
import type { Reader } from '../system/system.js';
import type { Work } from './setup-work.js';
import { isInstalled } from './tools.js';

/** A user and his group that syncs run as. Numbers need no entry anywhere. */
export interface Account {
  readonly user: string | number;
  readonly group: string | number;
}

/** A file that setup writes for another program of the machine. */
export interface SetupFile {
  readonly path: string;
  readonly content: string;
  /** Program that reads it: on a live machine without it there is no point in the file. */
  readonly reader: string;
  /** Where the Debian package has such a file: with this content (or naming `names`) there, ours is not needed. */
  readonly packaged: { readonly path: string; readonly names: string | null };
}

const HEADER = '# Written by mirror. Once you change it, mirror leaves it alone.\n';

/** Names that systemd-sysusers takes; useradd takes more, and makes those. */
const SYSUSERS_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,30}$/;

/**
 * sysusers.d(5): the users and groups, so that a machine rebuilt from its /usr gets them back at boot. Groups in `foreign`
 * come from elsewhere: they are referred to, not made.
 */
export function sysusersFile(
  accounts: readonly Account[],
  layout: Layout,
  foreign: ReadonlySet<string> = new Set(),
): SetupFile {
  const about = '"Mirrors of package repositories" /var/lib/mirror /usr/sbin/nologin';
  const known = accounts.filter(({ user, group }) =>
    [user, group].every((name) => typeof name === 'number' || SYSUSERS_NAME.test(name)),
  );
  const users = known.filter(({ user }) => typeof user === 'string');
  // A user whose group has his name brings it along.
  const pairs = new Set(users.flatMap(({ user, group }) => (user === group ? [user] : [])));
  const groups = known.flatMap(({ group }) =>
    typeof group === 'string' && !pairs.has(group) && !foreign.has(group) ? [`g ${group} -`] : [],
  );
  const lines = [
    ...groups,
    ...users.map(({ user, group }) => `u ${user} ${user === group ? '-' : `-:${group}`} ${about}`),
  ];
  return {
    path: `${layout.root}/etc/sysusers.d/mirror.conf`,
    content: `${HEADER}${[...new Set(lines)].join('\n')}\n`,
    reader: 'systemd-sysusers',
    packaged: { path: `${layout.root}/usr/lib/sysusers.d/mirror.conf`, names: null },
  };
}

/**
 * tmpfiles.d(5): the state directories, so that they are back at boot where /var does not last. `state` is where the links
 * of the layout's state directory lead.
 */
export function tmpfilesFile(
  { user, group }: Account,
  state: string,
  directories: readonly OwnDirectory[],
  layout: Layout,
): SetupFile {
  const lines = directories
    .filter(({ path }) => path === layout.state || path.startsWith(`${layout.state}/`))
    .map(({ path, mode, user: own }) => {
      const owner = `${mode.toString(8)} ${String(own ?? user)} ${String(group)}`;
      return `d ${quoted(state + path.slice(layout.state.length))} ${owner} -\n`;
    });
  return {
    path: `${layout.root}/etc/tmpfiles.d/mirror.conf`,
    content: `${HEADER}${lines.join('')}`,
    reader: 'systemd-tmpfiles',
    packaged: { path: `${layout.root}/usr/lib/tmpfiles.d/mirror.conf`, names: null },
  };
}

/**
 * logrotate(8) rule for the site's own log. Runs open it anew for every line, so it may be moved; a new one is open to
 * the group, whose other members may write there, too. `su`, because root must not rename files in a directory of the
 * mirror user. Logs of runs are pruned by the runs themselves. null for a path that logrotate would take for a pattern.
 */
export function logrotateFile({ user, group }: Account, log: LogFile, layout: Layout): SetupFile | null {
  if (/["\\*?[\]{}]/.test(log.path)) return null;
  const compression = log.gzip ? ['compress', 'delaycompress'] : ['nocompress'];
  const options = ['weekly', 'rotate 8', 'missingok', 'notifempty', 'create 0664', ...compression];
  const lines = [`su ${String(user)} ${String(group)}`, ...options].map((line) => `    ${line}\n`);
  return {
    path: `${layout.root}/etc/logrotate.d/mirror-site`,
    content: `${HEADER}"${log.path}" {\n${lines.join('')}}\n`,
    reader: 'logrotate',
    packaged: { path: `${layout.root}/etc/logrotate.d/mirror`, names: `"${log.path}"` },
  };
}

/**
 * Makes a file what it should be, or leaves what somebody else wrote. The record follows the file, so that a setup
 * killed between the two finds its own text and only notes it. Returns whether the machine's programs see a new file.
 */
export function putFile(file: SetupFile, work: Work): boolean {
  const { record, system } = work;
  if (work.isLive && !isInstalled(file.reader, system)) return false;
  const { path, content } = file;
  const actual = system.actual(path);
  const wanted = sha256(content);
  if (actual.kind === 'absent' && isPackaged(file, system)) return false;
  const isOurs = actual.kind === 'file' && record.files[path] === sha256(actual.content);
  const isThere = actual.kind === 'file' && actual.content === content;
  if (actual.kind !== 'absent' && !isOurs && !isThere) {
    // An edit of what we would still write is the admin's last word.
    if (record.files[path] !== wanted)
      work.problems.push(`${path} is not as setup wrote it: move it away and run setup again, or keep it`);
    return false;
  }
  if (!isThere) {
    work.makeDirectory(dirname(path));
    system.writeFile(path, content, 0o644);
    work.done.push(`${actual.kind === 'absent' ? 'created' : 'changed'} ${path}`);
  }
  if (record.files[path] !== wanted) {
    record.files[path] = wanted;
    work.remember();
  }
  return !isThere;
}

/** Users and groups that the sysusers.d file in force makes. */
export function listedAccounts(
  { path, packaged }: SetupFile,
  system: Reader,
): { readonly users: ReadonlySet<string>; readonly groups: ReadonlySet<string> } {
  const text = system.read(path) ?? system.read(packaged.path) ?? '';
  const rows = [...text.matchAll(/^([ug])\s+(\S+)\s+(\S+)/gm)];
  return {
    users: new Set(rows.flatMap(([, type, name = '']) => (type === 'u' ? [name] : []))),
    // A user with no group named brings his own.
    groups: new Set(rows.flatMap(([, type, name = '', id]) => (type === 'g' || id === '-' ? [name] : []))),
  };
}

function isPackaged({ content, packaged }: SetupFile, system: Reader): boolean {
  const there = system.read(packaged.path);
  return there !== null && (packaged.names === null ? there === content : there.includes(packaged.names));
}

/** A path as tmpfiles.d(5) reads it: `%` is a specifier, blanks need quotes. */
function quoted(path: string): string {
  const escaped = path.replaceAll('%', '%%').replace(/[\\"]/g, '\\$&');
  return /^[\w/.%:+,@=-]+$/.test(path) ? escaped : `"${escaped}"`;
}
