import type { Artifact } from '../compile/artifact.js';
import type { Job } from '../job/job.js';
import { methods } from '../methods/index.js';
import { DEFAULTS } from '../model/defaults.js';
import type { Site } from '../model/site.js';
import type { Reader } from '../system/system.js';

export interface Tool {
  readonly command: string;
  /** Debian package that has it; empty for a program of the site's own. */
  readonly debian: string;
}

/** Where programs are looked for: root's usual PATH, which units have too. */
const PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Programs that the site's packages and mirror itself call, and that are not on this machine. */
export function missingTools(site: Pick<Site, 'packages'>, system: Reader): Tool[] {
  const needed = new Map([['flock', 'util-linux']]);
  for (const pkg of site.packages)
    for (const { command, debian } of methods.get(pkg.synctype)?.tools(pkg) ?? [])
      needed.set(command, debian);
  return [...needed]
    .filter(([command]) => !isInstalled(command, system))
    .map(([command, debian]) => ({ command, debian }));
}

/**
 * Files that jobs and notices take their secrets from and that neither lie on this machine nor are among the artifacts:
 * path → ids of the packages, none for the webhook's. Empty for whoever may not look: only root reads them.
 */
export function missingSecrets(
  jobs: ReadonlyMap<string, Job>,
  webhook: string | null,
  artifacts: readonly Artifact[],
  system: Reader,
): Map<string, string[]> {
  const named = namedSecrets(jobs, webhook);
  if (named.size === 0 || system.uid() !== 0) return new Map();
  const written = new Set(artifacts.map(({ path }) => path));
  return new Map([...named].filter(([path]) => !written.has(path) && system.facts(path)?.kind !== 'file'));
}

/** Files of secrets in directories that other users than root can change; none for a process that may not look. */
export function looseSecrets(
  jobs: ReadonlyMap<string, Job>,
  webhook: string | null,
  system: Reader,
): string[] {
  return [...namedSecrets(jobs, webhook).keys()].filter((path) => !system.isSteady(path));
}

/** Path → ids of the packages whose secret it is, none for the webhook's. */
function namedSecrets(jobs: ReadonlyMap<string, Job>, webhook: string | null): Map<string, string[]> {
  const named = new Map<string, string[]>(webhook === null ? [] : [[webhook, []]]);
  for (const { id, secrets } of jobs.values())
    for (const path of Object.values(secrets)) named.set(path, [...(named.get(path) ?? []), id]);
  return named;
}

/** Set-id programs that the `sendmail` of postfix and of nullmailer calls. */
const BEHIND_SENDMAIL = ['/usr/sbin/postdrop', '/usr/sbin/nullmailer-queue'];

/** The program that would fail to send the site's mail because the sandbox of its unit allows no set-id bits, or null. */
export function setIdMailer({ settings: { scheduler, notify } }: Site, system: Reader): string | null {
  if (scheduler !== 'systemd' || notify === null || notify.mail === null || notify.sandbox === 'off')
    return null;
  const isSystems = notify.sendmail === DEFAULTS.settings.sendmail;
  const programs = [notify.sendmail, ...(isSystems ? BEHIND_SENDMAIL : [])];
  return programs.find((path) => ((system.facts(path)?.mode ?? 0) & 0o6000) !== 0) ?? null;
}

/** Whether a program (a bare name, or an absolute path) is there and executable. */
export function isInstalled(command: string, system: Reader): boolean {
  const places = command.startsWith('/') ? [command] : PATH.map((directory) => `${directory}/${command}`);
  return places.some((path) => {
    const facts = system.facts(path);
    return facts?.kind === 'file' && (facts.mode & 0o111) !== 0;
  });
}
