import type { System } from '../system/system.js';
import { listedAccounts, putFile, sysusersFile, type Account } from './setup-files.js';
import type { Work } from './setup-work.js';
import { isInstalled } from './tools.js';

/**
 * Creates the users and groups that are missing: by sysusers.d where systemd-sysusers is installed, by groupadd and
 * useradd elsewhere. Only accounts that setup creates are ever listed in sysusers.d: one that comes from a directory
 * such as LDAP must not be created again at a boot without network.
 */
export async function makeAccounts(all: readonly Account[], work: Work): Promise<void> {
  const { layout, system, record } = work;
  const listed = listedAccounts(sysusersFile([], layout), system);
  const absent = missing(all, system);
  const isOurs = (kind: 'user' | 'group', name: string | number): boolean =>
    typeof name === 'string' &&
    (listed[`${kind}s`].has(name) ||
      absent.some((account) => account.kind === kind && account.name === name));
  const ours = all.flatMap((account): Account[] => {
    if (isOurs('user', account.user)) return [account];
    // Root stands in for a user who is there without us.
    return isOurs('group', account.group) ? [{ user: 0, group: account.group }] : [];
  });
  const foreign = ours.flatMap(({ group }) => (isOurs('group', group) ? [] : [String(group)]));
  if (ours.length > 0) {
    const file = sysusersFile(ours, layout, new Set(foreign));
    putFile(file, work);
    if (absent.length > 0 && isInstalled(file.reader, system)) {
      const path = system.actual(file.path).kind === 'file' ? file.path : file.packaged.path;
      const result = await system.run([file.reader, path]);
      if (result.code !== 0) work.problems.push(`${file.reader}: ${result.stderr.trim()}`);
    }
  }
  for (const { kind, name, group } of absent) {
    const there = kind === 'user' ? system.user(name) : system.group(name);
    const failure = there === null ? await create(kind, name, group, system) : null;
    if (failure === null) work.done.push(`created ${kind} ${name}`);
    else work.problems.push(`cannot create ${kind} ${name}: ${failure}`);
    if (failure !== null || record.accounts.includes(`${kind} ${name}`)) continue;
    record.accounts.push(`${kind} ${name}`);
    work.remember();
  }
}

interface Missing {
  readonly kind: 'user' | 'group';
  readonly name: string;
  readonly group: string | number;
}

/** Named accounts that nobody knows, each once, a group before its users. */
function missing(all: readonly Account[], system: System): Missing[] {
  const found = new Map<string, Missing>();
  for (const { user, group } of all) {
    if (typeof group === 'string' && system.group(group) === null)
      found.set(`group ${group}`, { kind: 'group', name: group, group });
    if (typeof user === 'string' && system.user(user) === null && !found.has(`user ${user}`))
      found.set(`user ${user}`, { kind: 'user', name: user, group });
  }
  return [...found.values()];
}

async function create(
  kind: 'user' | 'group',
  name: string,
  group: string | number,
  system: System,
): Promise<string | null> {
  const home = ['--home-dir', '/var/lib/mirror', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  const argv =
    kind === 'group'
      ? ['groupadd', '--system', '--', name]
      : ['useradd', '--system', '--gid', String(group), ...home, '--', name];
  const result = await system.run(argv);
  return result.code === 0 ? null : result.stderr.trim();
}
