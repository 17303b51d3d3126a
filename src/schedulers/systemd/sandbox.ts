import { dirname } from 'node:path/posix';
import type { Job } from '../../job/job.js';
import type { Layout } from '../../job/layout.js';
import { flatSteps } from '../../job/repository-step.js';
import type { Step } from '../../job/step.js';
import { logBases } from '../../model/logs.js';
import { sourceForm } from '../../model/source.js';
import type { Notify, Package, Settings } from '../../model/site.js';
import { addressLines, addressRule } from './addresses.js';
import { templates } from './templates.js';

/** What decides the directives beside the directories; most units share it. See templates/sandbox.hbs. */
interface Walls {
  readonly strict: boolean;
  readonly user: string | number;
  readonly protectHome: boolean;
  readonly privateTmp: boolean;
  /** Directives about the addresses that it reaches. */
  readonly addresses: string;
}

/** For what has nothing to do on the network. */
const NO_ADDRESS = 'IPAddressDeny=any';

/** Root keeps what a mirror may need: writing files of any owner, and giving files away. */
const ROOT_CAPABILITIES = 'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID';

/** Kinds of sockets that a tool needs; the last one is that of resolvers and logs. */
const FAMILIES = 'AF_INET AF_INET6 AF_UNIX';

const HOME = /^\/(home|root|run\/user)(\/|$)/;
const TMP = /^\/(var\/)?tmp(\/|$)/;

/**
 * Makes the walls around packages' runs, null for `off`: beside its dst, which its unit names, a run writes to its logs and
 * to what publishing writes, and it sees people's homes and the shared /tmp only where one of its own paths lies there.
 * `standard` leaves out what an unusual tool could trip over: it shows the names of other users, and the network's devices.
 */
export function packageSandbox(
  settings: Settings,
  layout: Layout,
  nameServers: readonly string[],
): (pkg: Package, job: Job) => string | null {
  const writable = [...logBases(settings.logger), ...publishing(settings)];
  const needed = [layout.state];
  const places = [...needed, ...writable];
  const home = places.some((path) => HOME.test(path));
  const tmp = places.some((path) => TMP.test(path));
  const build = walls(needed, writable);
  const buildRealm = realmWalls(layout);
  return (pkg, job) => {
    if (pkg.sandbox === 'off') return null;
    const { ssh, caFile } = pkg.network;
    // Without both files ssh looks into the user's home, wherever that is.
    const sshHome = (ssh.key === null || ssh.knownHosts === null) && overSsh(pkg);
    const uses = (places: RegExp): boolean =>
      [pkg.dst, ssh.key, ssh.knownHosts, caFile].some((path) => path !== null && places.test(path)) ||
      job.attempts.some(({ steps }) =>
        flatSteps(steps).some((step) => argv(step).some((word) => places.test(word))),
      );
    return (job.run_as.realm ? buildRealm(job) : build)({
      strict: pkg.sandbox === 'strict',
      user: pkg.user,
      protectHome: !home && !sshHome && !uses(HOME),
      privateTmp: !tmp && !uses(TMP),
      addresses: addressLines(addressRule(pkg, nameServers), isRoot(pkg.user)),
    });
  };
}

/**
 * Makes the walls around what sends notices, null for `off`. The programs are the operator's, so they may write wherever the
 * mirror user may but for the system itself, see homes, and talk to this machine.
 */
export function notifySandbox({ sandbox }: Notify): string | null {
  if (sandbox === 'off') return null;
  return templates.sandbox({
    system: 'full',
    addresses: 'IPAddressDeny=link-local multicast',
    writable: [],
    protectHome: 'read-only',
    privateTmp: 'yes',
    privateUsers: 'no',
    families: FAMILIES,
    capabilities: '',
    deniedCalls: '@privileged @resources',
  });
}

/** The walls of a user with a realm: beside dst its runs write there and below its own base of logs. */
function realmWalls(layout: Layout): (job: Job) => ReturnType<typeof walls> {
  const made = new Map<string, ReturnType<typeof walls>>();
  return ({ id, log }) => {
    const realm = layout.realm(id);
    const known = made.get(realm) ?? walls([realm], [log.base]);
    made.set(realm, known);
    return known;
  };
}

/** Walls around `mirror publish` in a unit of its own. */
export function publishSandbox(settings: Settings, layout: Layout): string {
  const [needed, writable] = [[layout.state], publishing(settings)];
  const inside = (places: RegExp): boolean => [...needed, ...writable].some((path) => places.test(path));
  const { uid } = settings;
  const [protectHome, privateTmp] = [!inside(HOME), !inside(TMP)];
  return walls(
    needed,
    writable,
  )({
    strict: true,
    user: uid,
    protectHome,
    privateTmp,
    addresses: NO_ADDRESS,
  });
}

/** Walls around what serves the control sockets: it writes requests and stops; root's half writes nothing. */
export function controlSandbox(user: string | number, layout: Layout): string {
  const needed = user === 'root' ? [] : [layout.state];
  return walls(
    needed,
    [],
  )({
    strict: true,
    user,
    protectHome: true,
    privateTmp: true,
    addresses: NO_ADDRESS,
  });
}

/**
 * Walls with these directories, rendered once for each combination of the rest: a site of thousands of packages has a
 * handful. What is `needed` must be there, systemd starts no unit without it. A directory of logs or of what is published
 * may be missing (a /var/log in memory, a disk that is not mounted): the run starts all the same, and its state says what
 * failed, which it could not if systemd did not even start it.
 */
function walls(needed: readonly string[], writable: readonly string[]): (rest: Walls) => string {
  const perhaps = writable.filter((path) => !needed.includes(path)).map((path) => `-${path}`);
  const paths = [...new Set([...needed, ...perhaps])];
  const rendered = new Map<string, string>();
  return ({ strict, user, protectHome, privateTmp, addresses }) => {
    const key = `${strict} ${user} ${protectHome} ${privateTmp} ${addresses}`;
    let text = rendered.get(key);
    if (text === undefined) {
      const root = isRoot(user);
      text = templates.sandbox({
        system: 'strict',
        addresses,
        writable: paths,
        protectHome: protectHome ? 'yes' : 'read-only',
        privateTmp: privateTmp ? 'yes' : 'no',
        // A user namespace knows root and the unit's user only: root could give files to nobody else.
        privateUsers: root || !strict ? 'no' : 'yes',
        families: strict ? FAMILIES : `${FAMILIES} AF_NETLINK`,
        capabilities: root ? ROOT_CAPABILITIES : '',
        // Root's rsync gives files their owners, which is one of the privileged calls.
        deniedCalls: root ? '@resources' : '@privileged @resources',
      });
      rendered.set(key, text);
    }
    return text;
  };
}

/** Whether a unit with this user runs as root. */
export function isRoot(user: string | number): boolean {
  return user === 'root' || String(user) === '0';
}

function publishing(settings: Settings): string[] {
  return [dirname(settings.statfile), dirname(settings.statusfile)];
}

function argv(step: Step): readonly string[] {
  return 'argv' in step ? step.argv : [];
}

function overSsh(pkg: Package): boolean {
  return pkg.sources.some(({ url }) => /^ssh:/i.test(url) || sourceForm(url) === 'ssh');
}
