import { optionDefaults } from '../../src/config/check.js';
import { layout } from '../../src/job/layout.js';
import type { MethodContext } from '../../src/methods/method.js';
import { parseSchedule } from '../../src/model/schedule.js';
import type { Package, Settings, Site, Source } from '../../src/model/site.js';
import { HOST_SETTINGS } from '../support/site-config.js';

export const HERE = { layout: layout(), executable: '/usr/bin/mirror', nameServers: [] };

const FILE_FORMAT = {
  base: '/var/log/mirror/packages',
  folder: '{year}/{month}/{day}',
  filename: '{hour}:{minute}:{second}.{microsecond}.{packageid}.log',
  gzip: true,
};

/** A normalized site as `readSite` makes it, with what a test says differently. */
export function site(packages: readonly Package[], settings: Partial<Settings> = {}): Site {
  return {
    mirrorname: 'Example University Mirror',
    hostname: 'mirror.example.edu',
    node: 'mirror1',
    configPath: '/etc/mirror/config.json',
    settings: {
      scheduler: 'systemd',
      systemd: { version: 249 },
      executable: null,
      ...HOST_SETTINGS,
      uid: 'mirror',
      gid: 'mirror',
      localtimezone: 'Asia/Seoul',
      maintainer: null,
      ftpsync: {},
      limits: { concurrent: 4, per_upstream: 1, load_max: null },
      logger: {
        level: 'INFO',
        packagelevel: 'ERROR',
        format: '[%(asctime)s] %(levelname)s # %(message)s',
        packageformat: '[%(asctime)s][{package}] %(levelname)s # %(message)s',
        fileformat: null,
        packagefileformat: FILE_FORMAT,
      },
      notify: null,
      socket: { uid: 'mirror', gid: 'mirror', mode: '0600' },
      ...settings,
    },
    packages,
  };
}

/** What `methods` are told beside the package. */
export function context(from: Source, changes: Partial<MethodContext> = {}): MethodContext {
  return {
    source: from,
    fallback: false,
    work: '/var/lib/mirror/work/x',
    cache: '/var/lib/mirror/cache/x',
    site: {
      mirrorname: 'Example University Mirror',
      hostname: 'mirror.example.edu',
      ftpsync: {},
      maintainer: null,
    },
    ...changes,
  };
}

/** Every limit that a package can have, none of them a default. */
export const ALL_RESOURCES: Package['resources'] = {
  nice: 19,
  io: { class: 'idle', level: 7 },
  cpuWeight: 20,
  ioWeight: 30,
  memoryHigh: '1G',
  memoryMax: '2G',
  tasksMax: 100,
};

/** What a test says of a package that others do not; of its network only what is different. */
export type Changes = Partial<Omit<Package, 'network'>> & { readonly network?: Partial<Package['network']> };

/** An rsync package of that site. */
export function pkg(id: string, { network, options, ...overrides }: Changes = {}): Package {
  const { syncrate = 'PT6H', synctype = 'rsync' } = overrides;
  const { schedule, interval, push } = parseSchedule({ syncrate, id, node: 'mirror1', zone: 'Asia/Seoul' });
  return {
    id,
    name: id,
    href: `/${id}`,
    synctype,
    syncrate,
    schedule,
    interval,
    push,
    minGap: 0,
    disabled: false,
    hidden: false,
    link: [{ rel: 'HOME', href: `https://${id.toLowerCase()}.example.org/` }],
    sources: [source(`rsync://upstream.example.org/${id}`)],
    dst: `/srv/ftp/${id}`,
    keepDeleted: null,
    options: { ...optionDefaults(synctype), ...options },
    password: null,
    retry: { delay: 600, attempts: 3, maxDelay: 3600 },
    maxRuntime: 43200,
    firstSync: { maxRuntime: 604800 },
    guard: { deletes: 40000, ratio: 0.1, minFree: { share: 0.05 }, mount: null },
    precheck: null,
    freshness: [],
    acceptExit: {},
    staleAfter: 86400,
    network: {
      family: 'any',
      bind: null,
      proxy: null,
      caFile: null,
      redirects: [],
      deny: [],
      allow: [],
      ssh: { key: null, knownHosts: null, port: null },
      ...network,
    },
    env: {},
    user: 'mirror',
    group: 'mirror',
    umask: '0022',
    sandbox: 'strict',
    resources: {
      nice: 10,
      io: { class: 'best-effort', level: 7 },
      cpuWeight: null,
      ioWeight: null,
      memoryHigh: '4G',
      memoryMax: null,
      tasksMax: 512,
    },
    keep: { ok: 2592000, failed: 7776000, unchanged: 0, total: 5e9 },
    logLimit: 2 ** 30,
    renamedFrom: null,
    ...overrides,
  };
}

export function source(url: string): Source {
  const host = /^[a-z]+:\/\/([^/]+)/.exec(url)?.[1] ?? null;
  return { url, publicUrl: url, host };
}
