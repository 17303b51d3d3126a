import type { Job } from '../../job/job.js';
import type { Layout } from '../../job/layout.js';
import type { Package, Resources, Site } from '../../model/site.js';
import { documentation, unitName } from './escape.js';
import { packageSandbox, publishSandbox } from './sandbox.js';
import { templates } from './templates.js';

/** Seconds for a run to end when told to: the executor kills its tool after 10, then writes state. */
const STOP = 30;

/** What a service may use beside its site. */
interface Context {
  readonly layout: Layout;
  readonly executable: string;
}

/** `mirror-sync-<id>.service`: one run of one package. */
export function packageService(site: Site, pkg: Package, job: Job, { layout, executable }: Context): string {
  const { gid } = site.settings;
  const name = unitName(pkg.id);
  return templates.service({
    config: site.configPath,
    unit: `${name}.service`,
    description: `Mirror sync of ${pkg.name} (${pkg.id})`,
    documentation: pkg.link
      .map(({ href }) => documentation(href))
      .filter((url) => url !== null)
      .join(' '),
    mounts: [pkg.dst],
    executable,
    arguments: `run --scheduled "${pkg.id}"`,
    publish: true,
    timeoutStart: span(backstop(job)),
    timeoutStop: span(STOP),
    user: pkg.user,
    group: pkg.group,
    supplementaryGroup: String(gid) === String(pkg.group) ? null : gid,
    umask: pkg.umask,
    identifier: `mirror-${pkg.id}`,
    credentials: Object.entries(job.secrets).map(([secret, file]) => ({ name: secret, file })),
    resources: resources(pkg.resources),
    sandbox: packageSandbox(pkg, job, site.settings, layout),
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
    timeoutStart: span(600),
    timeoutStop: span(STOP),
    user: uid,
    group: gid,
    supplementaryGroup: null,
    umask: '0022',
    identifier: 'mirror-tick',
    credentials: [],
    resources: [],
    sandbox: publishSandbox(site.settings, layout),
  });
}

/** `mirror.slice`: one place to limit or watch all of it. */
export function slice(site: Site): string {
  return templates.slice({ config: site.configPath });
}

/**
 * Seconds after which systemd may believe that the executor itself hangs; every limit that matters is the executor's.
 * Wait for a limit's slot (at most a day) + spread after boot (30 min) + attempts, each over every source, each with
 * its longest time, probe (1 min per source) and stop + the delays between them + a minute to write down the end.
 */
export function backstop(job: Job): number {
  const attempts = Math.max(1, job.retry.attempts);
  const longest = Math.max(job.max_runtime, job.first_sync.max_runtime);
  const attempt = job.attempts.length * (longest + 60 + STOP);
  let delays = 0;
  for (let i = 1, delay = job.retry.delay; i < attempts; i += 1, delay *= 2) {
    delays += Math.min(delay, job.retry.max_delay);
  }
  return longestWait(job) + 1800 + attempts * attempt + delays + 60;
}

/** systemd.time(7) spelling of seconds: `1d 2h 30min`. */
export function span(seconds: number): string {
  const units = [
    ['d', 86400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  let rest = Math.ceil(seconds);
  const parts = units.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? [`${count}${unit}`] : [];
  });
  return parts.join(' ') || '0';
}

/** A run waits at most until its next slot, and never longer than a day. */
function longestWait({ schedule }: Job): number {
  const interval =
    schedule.rule.kind === 'interval' && schedule.windows.length === 0 ? schedule.rule.every : 86400;
  return Math.min(86400, interval);
}

function resources({ nice, io, cpuWeight, ioWeight, memoryHigh, memoryMax }: Resources): object[] {
  const all: [string, string | number | null][] = [
    ['Nice', nice],
    ['IOSchedulingClass', io.class],
    ['IOSchedulingPriority', io.class === 'idle' ? null : io.level],
    ['CPUWeight', cpuWeight],
    ['IOWeight', ioWeight],
    ['MemoryHigh', memoryHigh],
    ['MemoryMax', memoryMax],
  ];
  return all.flatMap(([key, value]) => (value === null ? [] : [{ key, value }]));
}
