import type { Job } from './job.js';

/**
 * Where mirror keeps what it owns. The compiled half belongs to root and is what an apply reviewed; the state half
 * belongs to the mirror user. They are apart because a user who could rename a job file could make root run it.
 */
export interface Layout {
  readonly root: string;
  /** Compiled artifacts and apply's own records; root only. */
  readonly compiled: string;
  readonly siteFile: string;
  readonly manifest: string;
  readonly applyHistory: string;
  readonly applyLock: string;
  readonly secrets: string;
  readonly units: string;
  readonly cronFile: string;
  /** State directory, writable by the mirror user. */
  readonly state: string;
  readonly owners: Owners;
  /** Directories that hold the directories of `STATE_DIRECTORIES`: `state`, then those of users of their own. */
  readonly realms: readonly string[];
  readonly dirtyMarker: string;
  readonly publishLock: string;
  /** Touched when there is a notice to send that the one who saw it cannot send; see `notify/`. */
  readonly noticesMarker: string;
  /** Only one process sends notices, and only one is the daemon. */
  readonly noticesLock: string;
  readonly daemonLock: string;
  /** Where programs and people of the socket's group ask; see `control/`. */
  readonly controlSocket: string;
  /** Where the mirror user asks root to start or stop a package's unit. */
  readonly starterSocket: string;
  job(id: string): string;
  /** The realm that a package's files lie in. */
  realm(id: string): string;
  stateFile(id: string): string;
  baselineFile(id: string): string;
  holdFile(id: string): string;
  requestFile(id: string): string;
  stopFile(id: string): string;
  runLock(id: string): string;
  markerDirectory(id: string): string;
  /** Files of one run, removed after it. */
  workDirectory(id: string): string;
  /** What a sync method keeps from run to run. */
  cacheDirectory(id: string): string;
  /** HOME of a package's tools, so that they read no settings that another package's tools could have written. */
  homeDirectory(id: string): string;
  slotLock(name: string, index: number): string;
  waitingFile(id: string): string;
  historyFile(id: string): string;
  incidentFile(id: string): string;
}

/**
 * Users of packages that other packages' users are walled off from, by package id; see `realmOf` in `model/realm.ts`.
 * Packages that are not named run as the site's own user.
 */
export type Owners = ReadonlyMap<string, string | number>;

/**
 * Returns the paths of one installation; `root` is "" for the live system, else the `--root` directory. What belongs to a
 * package of `owners` lies in its user's realm, which nobody else's package can write.
 */
export function layout(root = '', owners: Owners = new Map()): Layout {
  const compiled = `${root}/etc/mirror/compiled`;
  const state = `${root}/var/lib/mirror`;
  const realmOfUser = (user: string | number): string => `${state}/users/${user}`;
  const realm = (id: string): string => {
    const user = owners.get(id);
    return user === undefined ? state : realmOfUser(user);
  };
  const lock = (name: string): string => `${state}/locks/${name}`;
  const directory = (name: StateDirectory) => (id: string) => `${realm(id)}/${name}/${id}`;
  const file = (name: StateDirectory) => (id: string) => `${realm(id)}/${name}/${id}.json`;
  return {
    root,
    compiled,
    siteFile: `${compiled}/site.json`,
    manifest: `${compiled}/manifest.json`,
    applyHistory: `${compiled}/history.jsonl`,
    applyLock: `${compiled}/lock`,
    secrets: `${root}/etc/mirror/secrets`,
    units: `${root}/etc/systemd/system`,
    cronFile: `${root}/etc/cron.d/mirror`,
    state,
    owners,
    realms: [state, ...[...new Set(owners.values())].map(realmOfUser)],
    dirtyMarker: `${state}/publish.dirty`,
    publishLock: lock('publish'),
    noticesMarker: `${state}/notices.due`,
    noticesLock: lock('notices'),
    daemonLock: lock('daemon'),
    controlSocket: `${root}/run/mirror/control.sock`,
    starterSocket: `${root}/run/mirror/start.sock`,
    job: (id) => `${compiled}/jobs/${id}.json`,
    realm,
    stateFile: file('state'),
    baselineFile: file('baseline'),
    holdFile: file('hold'),
    requestFile: file('request'),
    stopFile: file('stop'),
    runLock: (id) => `${realm(id)}/locks/run-${id}`,
    markerDirectory: directory('marker'),
    workDirectory: directory('work'),
    cacheDirectory: directory('cache'),
    homeDirectory: directory('home'),
    slotLock: (name, index) => `${state}/slots/${name}-${String(index)}`,
    waitingFile: file('waiting'),
    historyFile: (id) => `${realm(id)}/history/${id}.jsonl`,
    incidentFile: file('incident'),
  };
}

/** Returns the layout of an applied site: `user` says which packages lie in whose realm. */
export function siteLayout(
  root: string,
  packages: readonly { readonly id: string; readonly user?: string | number }[],
): Layout {
  return layout(
    root,
    new Map(packages.flatMap(({ id, user }) => (user === undefined ? [] : [[id, user] as const]))),
  );
}

/** Returns the layout for the runs of one job, which know where their own files lie and no others. */
export function jobLayout(root: string, { id, run_as }: Pick<Job, 'id' | 'run_as'>): Layout {
  return siteLayout(root, [{ id, ...(run_as.realm && { user: run_as.user }) }]);
}

/** Directories below each realm that setup (or `--root`) creates; group-writable by the site's group. */
export const STATE_DIRECTORIES = [
  'state',
  'baseline',
  'hold',
  'request',
  'stop',
  'locks',
  'marker',
  'work',
  'cache',
  'home',
  'waiting',
  'history',
  'incident',
] as const;

type StateDirectory = (typeof STATE_DIRECTORIES)[number];

/** A directory of mirror's own, and its mode. */
export interface OwnDirectory {
  readonly path: string;
  readonly mode: number;
  /** The user that it belongs to, or null for the site's own; its group is the site's. */
  readonly user: string | number | null;
}

/**
 * Returns the directories that state lies in, the outer before the inner. Whoever can open a lock can hold it, so locks are
 * kept from strangers; slots are not, because the runs of every user take them.
 */
export function stateDirectories({
  state,
  owners,
}: Pick<Layout, 'state' | 'owners'>): readonly OwnDirectory[] {
  const users = [...new Set(owners.values())];
  const inside = (realm: string, user: string | number | null): OwnDirectory[] => [
    // The site's own: a user must not put links where the mirror user looks for directories.
    { path: realm, mode: OPEN, user: null },
    ...STATE_DIRECTORIES.map((name) => ({
      path: `${realm}/${name}`,
      mode: name === 'locks' ? CLOSED : OPEN,
      user,
    })),
  ];
  return [
    ...inside(state, null),
    { path: `${state}/slots`, mode: OPEN, user: null },
    ...(users.length === 0 ? [] : [{ path: `${state}/users`, mode: OPEN, user: null }]),
    ...users.flatMap((user) => inside(`${state}/users/${user}`, user)),
  ];
}

const OPEN = 0o2775;
const CLOSED = 0o2770;
