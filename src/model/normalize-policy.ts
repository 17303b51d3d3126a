import type {
  FirstSync,
  Guard,
  Keep as KeepConfig,
  Network as NetworkConfig,
  Resources as ResourcesConfig,
  Retry,
} from '../config/types.generated.js';
import type { Keep } from '../job/job.js';
import { DEFAULTS } from './defaults.js';
import { parseDuration } from './duration.js';
import type { Network, Package, Resources } from './site.js';
import { parseMinFree, parseSize } from './size.js';

/** What a package may say and `settings` may say for all of them; everything filled in. Times in seconds. */
export interface Policy {
  readonly minGap: number;
  readonly retry: Package['retry'];
  readonly maxRuntime: number;
  readonly firstSync: Package['firstSync'];
  readonly guard: Package['guard'];
  /** null: computed from the interval. */
  readonly staleAfter: number | null;
  readonly network: Network;
  readonly env: Readonly<Record<string, string>>;
  readonly umask: string;
  readonly sandbox: Package['sandbox'];
  readonly resources: Resources;
  readonly keep: Keep;
  readonly logLimit: number;
}

/** The keys of the config that make a policy: those of a package, and the same ones of `settings`. */
export interface PolicyConfig {
  readonly min_gap?: string;
  readonly retry?: Retry;
  readonly max_runtime?: string;
  readonly first_sync?: FirstSync;
  readonly guard?: Guard;
  readonly stale_after?: string;
  readonly network?: NetworkConfig;
  readonly env?: Readonly<Record<string, string>>;
  readonly umask?: string;
  readonly sandbox?: Package['sandbox'];
  readonly resources?: ResourcesConfig;
  readonly logger?: { readonly keep?: KeepConfig; readonly max_size?: string };
}

/** The keys that mean the same in `settings` and in a package. */
export const POLICY_KEYS = [
  'min_gap',
  'retry',
  'max_runtime',
  'first_sync',
  'guard',
  'stale_after',
  'network',
  'env',
  'umask',
  'sandbox',
  'resources',
] as const satisfies readonly (keyof PolicyConfig)[];

/** The built-in policy. */
export const BUILT_IN: Policy = {
  minGap: seconds(DEFAULTS.package.minGap),
  retry: {
    delay: seconds(DEFAULTS.retry.delay),
    attempts: DEFAULTS.retry.attempts,
    maxDelay: seconds(DEFAULTS.retry.maxDelay),
  },
  maxRuntime: seconds(DEFAULTS.package.maxRuntime),
  firstSync: { maxRuntime: seconds(DEFAULTS.firstSync.maxRuntime) },
  guard: {
    deletes: DEFAULTS.guard.deletes,
    ratio: DEFAULTS.guard.ratio,
    minFree: minFree(DEFAULTS.guard.minFree),
    mount: null,
  },
  staleAfter: null,
  network: {
    family: DEFAULTS.network.family,
    bind: null,
    proxy: null,
    caFile: null,
    redirects: [],
    deny: [],
    allow: [],
    ssh: { key: null, knownHosts: null, port: null },
  },
  env: {},
  umask: DEFAULTS.package.umask,
  sandbox: DEFAULTS.package.sandbox,
  resources: {
    nice: DEFAULTS.resources.nice,
    io: ioClass(DEFAULTS.resources.io),
    cpuWeight: null,
    ioWeight: null,
    memoryHigh: DEFAULTS.resources.memoryHigh,
    memoryMax: null,
    tasksMax: DEFAULTS.resources.tasksMax,
  },
  keep: {
    ok: keepFor(DEFAULTS.keep.ok),
    failed: keepFor(DEFAULTS.keep.failed),
    unchanged: keepFor(DEFAULTS.keep.unchanged),
    total: size(DEFAULTS.keep.total),
  },
  logLimit: size(DEFAULTS.settings.logLimit),
};

/** A policy over the one it falls back to, value by value. Parts that the config does not name are shared, not copied. */
export function overlay(base: Policy, config: PolicyConfig): Policy {
  const { retry, guard, network, resources, logger } = config;
  return {
    minGap: secondsOr(config.min_gap, base.minGap),
    retry: retry ? overlayRetry(base.retry, retry) : base.retry,
    maxRuntime: secondsOr(config.max_runtime, base.maxRuntime),
    firstSync: config.first_sync
      ? { maxRuntime: secondsOr(config.first_sync.max_runtime, base.firstSync.maxRuntime) }
      : base.firstSync,
    guard: guard ? overlayGuard(base.guard, guard) : base.guard,
    staleAfter: config.stale_after === undefined ? base.staleAfter : seconds(config.stale_after),
    network: network ? overlayNetwork(base.network, network) : base.network,
    env: config.env ? { ...base.env, ...config.env } : base.env,
    umask: config.umask === undefined ? base.umask : config.umask.padStart(4, '0'),
    sandbox: config.sandbox ?? base.sandbox,
    resources: resources ? overlayResources(base.resources, resources) : base.resources,
    keep: logger?.keep ? overlayKeep(base.keep, logger.keep) : base.keep,
    logLimit: logger?.max_size === undefined ? base.logLimit : size(logger.max_size),
  };
}

/** Seconds of a duration that the schema has accepted. */
export function seconds(text: string): number {
  return known(parseDuration(text), text);
}

function overlayRetry(base: Package['retry'], config: Retry): Package['retry'] {
  const delay = secondsOr(config.delay, base.delay);
  const maxDelay =
    config.max_delay === undefined ? Math.max(base.maxDelay, delay) : seconds(config.max_delay);
  return { delay, attempts: config.attempts ?? base.attempts, maxDelay };
}

function overlayGuard(base: Package['guard'], config: Guard): Package['guard'] {
  return {
    deletes: config.deletes ?? base.deletes,
    ratio: config.ratio ?? base.ratio,
    minFree: config.min_free === undefined ? base.minFree : minFree(config.min_free),
    mount: config.mount ?? base.mount,
  };
}

function overlayNetwork(base: Network, config: NetworkConfig): Network {
  return {
    family: config.family ?? base.family,
    bind: config.bind ?? base.bind,
    proxy: config.proxy ?? base.proxy,
    caFile: config.ca_file ?? base.caFile,
    redirects: config.redirects?.map((host) => host.toLowerCase()) ?? base.redirects,
    deny: config.deny ?? base.deny,
    allow: config.allow ?? base.allow,
    ssh: {
      key: config.ssh?.key ?? base.ssh.key,
      knownHosts: config.ssh?.known_hosts ?? base.ssh.knownHosts,
      port: config.ssh?.port ?? base.ssh.port,
    },
  };
}

function overlayResources(base: Resources, config: ResourcesConfig): Resources {
  return {
    nice: config.nice ?? base.nice,
    io: config.io === undefined ? base.io : ioClass(config.io),
    cpuWeight: config.cpu_weight ?? base.cpuWeight,
    ioWeight: config.io_weight ?? base.ioWeight,
    memoryHigh: config.memory_high ?? base.memoryHigh,
    memoryMax: config.memory_max ?? base.memoryMax,
    tasksMax: config.tasks_max ?? base.tasksMax,
  };
}

function overlayKeep(base: Keep, config: KeepConfig): Keep {
  return {
    ok: config.ok === undefined ? base.ok : keepFor(config.ok),
    failed: config.failed === undefined ? base.failed : keepFor(config.failed),
    unchanged: config.unchanged === undefined ? base.unchanged : keepFor(config.unchanged),
    total: config.total === undefined ? base.total : size(config.total),
  };
}

/** ionice's own default level is 4; ours is the last one, unless a class is named without a level. */
function ioClass(text: string): Resources['io'] {
  const [name = '', level] = text.split(' ');
  return {
    class: name as Resources['io']['class'],
    level: level === undefined ? (name === 'idle' ? 0 : 4) : Number(level),
  };
}

function keepFor(value: string | number): number {
  return typeof value === 'number' ? value : seconds(value);
}

function secondsOr(text: string | undefined, base: number): number {
  return text === undefined ? base : seconds(text);
}

function minFree(text: string): Package['guard']['minFree'] {
  return known(parseMinFree(text), text);
}

function size(text: string): number {
  return known(parseSize(text), text);
}

function known<T>(value: T | null, text: string): T {
  if (value === null) throw new Error(`the schema let a bad value through: ${text}`);
  return value;
}
