import { dirname } from 'node:path/posix';
import type { Job } from '../../job/job.js';
import type { Step } from '../../job/step.js';
import type { Package, Settings } from '../../model/site.js';
import type { Layout } from '../../job/layout.js';

/** What the sandbox form needs; see templates/sandbox.hbs. */
export interface Sandbox {
  readonly enabled: boolean;
  readonly strict: boolean;
  readonly writable: readonly string[];
  readonly protectHome: 'yes' | 'read-only';
  readonly privateTmp: 'yes' | 'no';
  readonly privateUsers: 'yes' | 'no';
  readonly capabilities: string;
  readonly deniedCalls: readonly string[];
}

/** Root keeps what a mirror may need: writing as anybody, giving files away, becoming somebody else. */
const ROOT_CAPABILITIES = 'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_SETGID CAP_SETUID';

/** Sandbox of a package's run: it writes to dst, logs and what publishing writes, and reads nothing of people's homes. */
export function packageSandbox(pkg: Package, job: Job, settings: Settings, layout: Layout): Sandbox {
  const { ssh } = pkg.network;
  const writable = [pkg.dst, job.log.base, ...publishing(settings, layout)];
  const keys = [ssh.key, ssh.knownHosts, pkg.network.caFile].filter((file) => file !== null);
  const words = job.attempts.flatMap(({ steps }) => steps.flatMap(argv));
  const used = [...writable, ...keys, ...words];
  // Without both files ssh looks into the user's home, wherever that is.
  const sshHome = overSsh(pkg) && (ssh.key === null || ssh.knownHosts === null);
  return {
    ...base(pkg.user, used),
    enabled: pkg.sandbox !== 'off',
    strict: pkg.sandbox === 'strict',
    // Not there yet, or not mounted: the run then says so itself, better than a namespace error.
    writable: distinct([`-${pkg.dst}`, job.log.base, ...publishing(settings, layout)]),
    ...(sshHome ? { protectHome: 'read-only' } : {}),
  };
}

/** Sandbox of `mirror publish` in a unit of its own. */
export function publishSandbox(settings: Settings, layout: Layout): Sandbox {
  const writable = distinct(publishing(settings, layout));
  return { ...base(settings.uid, writable), enabled: true, strict: true, writable };
}

function base(
  user: string | number,
  paths: readonly string[],
): Omit<Sandbox, 'enabled' | 'strict' | 'writable'> {
  const root = String(user) === '0' || user === 'root';
  return {
    protectHome: paths.some((path) => /^\/(home|root|run\/user)(\/|$)/.test(path)) ? 'read-only' : 'yes',
    privateTmp: paths.some((path) => /^\/(var\/)?tmp(\/|$)/.test(path)) ? 'no' : 'yes',
    // A user namespace knows root and the unit's user only: root could give files to nobody else.
    privateUsers: root ? 'no' : 'yes',
    capabilities: root ? ROOT_CAPABILITIES : '',
    // Root's rsync gives files their owners, which is one of the privileged calls.
    deniedCalls: root ? ['@resources'] : ['@privileged @resources'],
  };
}

function publishing(settings: Settings, layout: Layout): string[] {
  return [layout.state, dirname(settings.statfile), dirname(settings.statusfile)];
}

function argv(step: Step): readonly string[] {
  return step.kind === 'exec' || step.kind === 'probe' ? step.argv : [];
}

function overSsh(pkg: Package): boolean {
  return pkg.sources.some(({ host, url }) => host !== null && !url.includes('://') && !url.includes('::'));
}

function distinct(paths: readonly string[]): string[] {
  return [...new Set(paths)];
}
