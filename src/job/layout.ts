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

/** The paths of one installation; `root` is "" for the live system, else the `--root` directory. */
export function layout(root = ''): Layout {
  const compiled = `${root}/etc/mirror/compiled`;
  const state = `${root}/var/lib/mirror`;
  const lock = (name: string): string => `${state}/locks/${name}`;
  const directory = (name: StateDirectory) => (id: string) => `${state}/${name}/${id}`;
  const file = (name: StateDirectory) => (id: string) => `${state}/${name}/${id}.json`;
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
    dirtyMarker: `${state}/publish.dirty`,
    publishLock: lock('publish'),
    noticesMarker: `${state}/notices.due`,
    noticesLock: lock('notices'),
    daemonLock: lock('daemon'),
    controlSocket: `${root}/run/mirror/control.sock`,
    starterSocket: `${root}/run/mirror/start.sock`,
    job: (id) => `${compiled}/jobs/${id}.json`,
    stateFile: file('state'),
    baselineFile: file('baseline'),
    holdFile: file('hold'),
    requestFile: file('request'),
    stopFile: file('stop'),
    runLock: (id) => lock(`run-${id}`),
    markerDirectory: directory('marker'),
    workDirectory: directory('work'),
    cacheDirectory: directory('cache'),
    homeDirectory: directory('home'),
    slotLock: (name, index) => lock(`slot-${name}-${String(index)}`),
    waitingFile: file('waiting'),
    historyFile: (id) => `${state}/history/${id}.jsonl`,
    incidentFile: file('incident'),
  };
}

/** Directories below the state directory that setup (or `--root`) creates; group-writable by the shared group. */
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
