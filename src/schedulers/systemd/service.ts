import type { Job } from '../../job/job.js';
import type { Layout } from '../../job/layout.js';
import { backstopSeconds } from '../../job/longest.js';
import type { Package, Resources, Site } from '../../model/site.js';
import { documentation, unitName } from './escape.js';
import { isRoot, publishSandbox } from './sandbox.js';
import { Hole, stencil } from './stencil.js';
import { quotes, templates } from './templates.js';

/** Seconds for a run to end when told to: the executor kills its tool after 10, then writes state. */
const STOP = 30;

/** What a service may use beside its site. */
interface Context {
  readonly layout: Layout;
  readonly executable: string;
}

/** Packages' services by what many of them share; the words are each one's own. */
const form = stencil(
  (shared: {
    readonly config: string;
    readonly executable: string;
    readonly isDocumented: boolean;
    readonly isSandboxed: boolean;
    /** Their names, with a blank between them. */
    readonly secrets: string;
    readonly user: string | number;
    readonly group: string | number;
    readonly supplementaryGroup: string | number | null;
    readonly umask: string;
    readonly resources: string;
    readonly hasRealm: boolean;
  }) =>
    templates.service({
      ...shared,
      unit: new Hole('unit'),
      description: new Hole('description'),
      documentation: shared.isDocumented ? new Hole('documentation') : null,
      mounts: [new Hole('dst')],
      arguments: new Hole('arguments'),
      publish: true,
      // Publishing is the mirror user's: to become that user takes root's rights, which a sandbox or another user lacks.
      publishAs: shared.hasRealm || (isRoot(shared.user) && shared.isSandboxed) ? '+' : '',
      // Not oneshot: its start is a job as long as it runs, and a boot is not over while there is a job.
      type: 'exec',
      limit: 'RuntimeMaxSec',
      timeout: new Hole('timeout'),
      timeoutStop: span(STOP),
      identifier: new Hole('identifier'),
      credentials: shared.secrets
        .split(' ')
        .filter(Boolean)
        .map((name) => ({ name, file: new Hole(name) })),
      sandbox: shared.isSandboxed ? { writable: [new Hole('writable')], walls: new Hole('walls') } : null,
    }),
  quotes,
);

/** `mirror-sync-<id>.service`: one run of one package; `walls` are its sandbox's, null for none. */
export function packageService(
  site: Site,
  pkg: Package,
  job: Job,
  walls: string | null,
  executable: string,
): string {
  const { gid } = site.settings;
  const hasRealm = job.run_as.realm === true;
  const urls = pkg.link.flatMap(({ href }) => documentation(href) ?? []).join(' ');
  const shared = {
    config: site.configPath,
    executable,
    isDocumented: urls !== '',
    isSandboxed: walls !== null,
    secrets: Object.keys(job.secrets).join(' '),
    user: pkg.user,
    group: pkg.group,
    supplementaryGroup: hasRealm || String(gid) === String(pkg.group) ? null : gid,
    umask: pkg.umask,
    resources: resources(pkg.resources),
    hasRealm,
  };
  return form(shared, {
    ...job.secrets,
    unit: `${unitName(pkg.id)}.service`,
    description: `Mirror sync of ${pkg.name} (${pkg.id})`,
    documentation: urls,
    dst: pkg.dst,
    arguments: `run --scheduled "${pkg.id}"`,
    timeout: span(backstopSeconds(job)),
    identifier: `mirror-${pkg.id}`,
    // "-": not there yet, or not mounted; the run then says so itself, better than a namespace error.
    writable: `-${pkg.dst}`,
    walls: walls ?? '',
  });
}

/** `mirror-tick.service`: repairs what died and publishes; see `tickTimer`. */
export function tickService(site: Site, { layout, executable }: Context): string {
  const { uid, gid } = site.settings;
  return templates.service({
    config: site.configPath,
    unit: 'mirror-tick.service',
    description: `Status of ${site.mirrorname}`,
    documentation: null,
    mounts: [layout.state],
    executable,
    arguments: 'publish',
    publish: false,
    publishAs: '',
    type: 'oneshot',
    limit: 'TimeoutStartSec',
    timeout: span(600),
    timeoutStop: span(STOP),
    user: uid,
    group: gid,
    supplementaryGroup: null,
    umask: '0022',
    identifier: 'mirror-tick',
    credentials: [],
    resources: '',
    sandbox: { writable: [], walls: publishSandbox(site.settings, layout) },
  });
}

/** `mirror.slice`: one place to limit or watch all of it. */
export function slice(site: Site): string {
  return templates.slice({ config: site.configPath });
}

/** systemd.time(7) spelling of seconds: `1d 2h 30min`. */
export function span(seconds: number): string {
  const whole = Math.ceil(seconds);
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const parts: string[] = [];
  if (days > 0) parts.push(`${days}d`);
  if (hours > 0) parts.push(`${hours}h`);
  if (minutes > 0) parts.push(`${minutes}min`);
  if (whole % 60 > 0) parts.push(`${whole % 60}s`);
  return parts.join(' ') || '0';
}

function resources(limits: Resources): string {
  const { nice, io, cpuWeight, ioWeight, memoryHigh, memoryMax, tasksMax } = limits;
  const lines = [`Nice=${nice}`, `IOSchedulingClass=${io.class}`];
  if (io.class !== 'idle') lines.push(`IOSchedulingPriority=${io.level}`);
  if (cpuWeight !== null) lines.push(`CPUWeight=${cpuWeight}`);
  if (ioWeight !== null) lines.push(`IOWeight=${ioWeight}`);
  lines.push(`MemoryHigh=${memoryHigh}`);
  if (memoryMax !== null) lines.push(`MemoryMax=${memoryMax}`);
  lines.push(`TasksMax=${tasksMax}`);
  return lines.join('\n');
}
