import type { Layout } from '../job/layout.js';
import { moveAway } from '../job/move-away.js';
import { EXIT } from '../job/outcome.js';
import type { Site } from '../model/site.js';
import { adoption, notAdopted } from './adopt.js';
import { dstRefusals } from './destinations.js';
import type { Host, Observation } from './observation.js';
import type { Change, Manifest, Refusal } from './plan.js';

/** What the operator allowed on the command line. */
export interface Permissions {
  /** How many packages may go away; null: the usual max(2, 5 %). */
  readonly allowRemovals: number | null;
  readonly refetch: boolean;
  /** What to do with files that somebody edited: stop, turn the edit into a drop-in, or overwrite it. */
  readonly drift: 'stop' | 'adopt' | 'overwrite';
  /** Whether states of another machine become this one's. */
  readonly takeOver: boolean;
}

export const NO_PERMISSIONS: Permissions = {
  allowRemovals: null,
  refetch: false,
  drift: 'stop',
  takeOver: false,
};

/** Everything that stands against applying, most urgent first. Below `--root`, what only matters live is a warning. */
export function guards(
  site: Site,
  layout: Layout,
  seen: Observation,
  removed: readonly string[],
  permissions: Permissions,
): { refusals: Refusal[]; warnings: string[] } {
  const { host } = seen;
  if (!host) return { refusals: [], warnings: [] };
  const refusals = [
    ...(permissions.drift === 'overwrite' ? [] : driftRefusals(seen, permissions)),
    ...seen.changes.flatMap(inTheWay),
    ...rootRefusals(host),
    ...setupRefusals(host),
    ...machineRefusals(layout, seen, permissions),
    ...removalRefusals(layout, seen.manifest, removed, permissions),
    ...dstRefusals(seen, permissions),
  ];
  const live = [
    ...closedRefusals(host),
    ...secretRefusals(host),
    ...looseSecretRefusals(layout, host),
    ...mailerRefusals(host),
    ...programRefusals(site, host),
  ];
  return host.live
    ? { refusals: [...refusals, ...live], warnings: [...closedWarnings(host), ...openSecretWarnings(host)] }
    : { refusals, warnings: live.map(({ message }) => message) };
}

/** max(2, 5 %): what may go away without being asked. */
export function removalLimit(packages: number): number {
  return Math.max(2, Math.floor(packages * 0.05));
}

function driftRefusals({ changes, manifest }: Observation, { drift }: Permissions): Refusal[] {
  return changes.flatMap((change): Refusal[] => {
    if (change.kind !== 'drifted' || change.before.kind === 'other') return [];
    if (drift === 'adopt' && adoption(change, manifest) !== null) return [];
    const message = `${change.path} was edited since mirror wrote it`;
    const help =
      drift === 'adopt'
        ? `${notAdopted(change, manifest)}; \`--force\` overwrites it`
        : '`--adopt` turns an edit of a unit into a drop-in, `--force` overwrites it; the diff shows it';
    return [{ code: 'drifted', exit: EXIT.failure, message, help }];
  });
}

/** Two machines on one state directory would sync the same packages and take each other's runs for dead. */
function machineRefusals(
  { state }: Layout,
  { machine: { other } }: Observation,
  { takeOver }: Permissions,
): Refusal[] {
  if (other === null || takeOver) return [];
  const since = new Date(other.since).toISOString().slice(0, 10);
  const message = `${state} holds the states of another machine: node ${other.node.slice(0, 100)}, since ${since}`;
  const help =
    'give each machine a state directory of its own; if this one replaces it or was installed anew: mirror apply --take-over';
  return [{ code: 'other-machine', exit: EXIT.needsPerson, message, help }];
}

/** What a journal cannot put back is not overwritten or deleted either, whatever is allowed. */
function inTheWay(change: Change): Refusal[] {
  const isLost = change.kind === 'drifted' && change.before.kind === 'other';
  if (change.kind !== 'in-the-way' && !isLost) return [];
  const what = change.before.kind === 'other' ? change.before.what : change.before.kind;
  const message = `${change.path} is in the way: a ${what} that mirror did not write`;
  return [
    { code: 'in-the-way', exit: EXIT.cantCreate, message, help: `move it away: ${moveAway(change.path)}` },
  ];
}

function rootRefusals(host: Host): Refusal[] {
  if (!host.live || host.isRoot) return [];
  const message = 'apply changes system files and must be root';
  return [{ code: 'not-root', exit: EXIT.needsPerson, message, help: 'sudo mirror apply' }];
}

function setupRefusals(host: Host): Refusal[] {
  if (!host.live) return [];
  const refusal = (code: string, message: string, help: string): Refusal[] => [
    { code, exit: EXIT.needsPerson, message, help },
  ];
  const {
    missingUsers: users,
    missingGroups: groups,
    missingDirectories: directories,
    missingTools: tools,
  } = host;
  const debian = [...new Set(tools.map((tool) => tool.debian).filter(Boolean))].join(' ');
  // A program of the site's own comes in no package.
  const own = tools.filter((tool) => tool.debian === '').map(({ command }) => command);
  const install = [
    ...(debian === '' ? [] : [`apt-get install ${debian}`]),
    ...(own.length === 0 ? [] : [`install ${own.join(', ')}, or name another command`]),
  ].join('; ');
  const commands = tools.map(({ command }) => `\`${command}\``).join(', ');
  return [
    ...(users.length > 0 ? refusal('no-user', `no such user: ${users.join(', ')}`, 'mirror setup') : []),
    ...(groups.length > 0 ? refusal('no-group', `no such group: ${groups.join(', ')}`, 'mirror setup') : []),
    ...(directories.length > 0
      ? refusal('no-directory', `missing or not a directory: ${directories.join(', ')}`, 'mirror setup')
      : []),
    ...(tools.length > 0 ? refusal('no-tool', `not installed: ${commands}`, install) : []),
  ];
}

/** Mail that no program may send: the operator would learn of it when a notice does not come. */
function mailerRefusals({ setIdMailer: path }: Host): Refusal[] {
  if (path === null) return [];
  const message = `${path} is a set-id program, which the sandbox of mirror-notify.service stops from sending mail`;
  const help =
    'set `settings.notify.sandbox` to `off`, name a `sendmail` without set-id bits (msmtp), or use `webhook_file`';
  return [{ code: 'set-id-mailer', exit: EXIT.needsPerson, message, help }];
}

function removalRefusals(
  layout: Layout,
  manifest: Manifest,
  removed: readonly string[],
  { allowRemovals }: Permissions,
): Refusal[] {
  const packages = Object.entries(manifest.entries).filter(
    ([path, { package: id }]) => id && path === layout.job(id),
  );
  const limit = allowRemovals ?? removalLimit(packages.length);
  if (removed.length <= limit) return [];
  const count = String(removed.length);
  const some = removed.slice(0, 5).join(', ') + (removed.length > 5 ? ', …' : '');
  const message = `${count} of ${String(packages.length)} packages would be removed (${some}); without being told, apply removes at most ${String(limit)}`;
  return [{ code: 'removals', exit: EXIT.needsPerson, message, help: `--allow-removals ${count}` }];
}

/** Runs end as failed(io) without their log, and publish nothing, where they may not write. */
function closedRefusals({ closed }: Host): Refusal[] {
  return closed.flatMap(({ path, users, sure, help }) => {
    const message =
      users.length > 0
        ? `${path} cannot be written by ${users.join(', ')}`
        : `folders that a run of one user makes in ${path} are closed to the others`;
    return sure ? [{ code: 'not-writable', exit: EXIT.needsPerson, message, help }] : [];
  });
}

function closedWarnings({ closed }: Host): string[] {
  return closed.flatMap(({ path, users, sure, help }) =>
    sure ? [] : [`${path} can be written by its group, but ${users.join(', ')} may not be in it: ${help}`],
  );
}

function openSecretWarnings({ openSecrets }: Host): string[] {
  return openSecrets.map(({ path, help }) => `everybody on this machine may read ${path}: ${help}`);
}

/** systemd starts no unit whose LoadCredential= file is missing (243/CREDENTIALS), and cron's runs would end as failed(auth). */
function secretRefusals({ missingSecrets }: Host): Refusal[] {
  return [...missingSecrets].map(([path, ids]) => {
    const isWebhook = ids.length === 0;
    const some = ids.slice(0, 5).join(', ') + (ids.length > 5 ? ', …' : '');
    return {
      code: isWebhook ? 'no-webhook-file' : 'no-password-file',
      exit: EXIT.needsPerson,
      message: isWebhook
        ? `nobody would be notified: no webhook file ${path}`
        : `${some}: no password file ${path}`,
      help: `install -m 600 /dev/null ${path}, and write the ${isWebhook ? 'URL' : 'password'} into it`,
    };
  });
}

/** systemd (LoadCredential=) and the executor would hand the secret's user whatever file another user links there. */
function looseSecretRefusals({ secrets }: Layout, { looseSecrets }: Host): Refusal[] {
  return looseSecrets.map((path) => ({
    code: 'loose-secret',
    exit: EXIT.needsPerson,
    message: `${path} is a secret in a directory that other users than root can change, so they could put any of root's files in its place`,
    help: `keep it below ${secrets}`,
  }));
}

/** Places that the sandbox of a unit hides: ProtectHome= and PrivateTmp=. */
const HIDDEN = /^\/(home|root|tmp|var\/tmp|run\/user)\//;

function programRefusals(site: Site, host: Host): Refusal[] {
  const sandboxed =
    site.settings.scheduler === 'systemd' && site.packages.some((pkg) => pkg.sandbox !== 'off');
  const help = 'install mirror below /usr or /opt, or set `settings.executable`';
  if (host.executable === null) {
    const message = 'the program that units would call is missing or not executable';
    return [{ code: 'no-executable', exit: EXIT.needsPerson, message, help }];
  }
  if (!sandboxed || !HIDDEN.test(host.executable)) return [];
  const message = `the sandbox would hide the program that units call: ${host.executable}`;
  return [{ code: 'hidden-executable', exit: EXIT.needsPerson, message, help }];
}
