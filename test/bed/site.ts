import { cpSync, mkdirSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { layout } from '../../src/job/layout.js';
import type { Job } from '../../src/job/job.js';
import { unitName } from '../../src/schedulers/systemd/escape.js';
import { readHistory } from '../../src/state/history.js';
import type { RunRecord } from '../../src/state/package-state.js';
import { ENTRY } from '../run/fixture.js';
import { siteConfig } from '../support/site-config.js';
import type { Answer, Bed } from './bed.js';

/** Where the program lies in a bed: not where the checkout is, which a sandbox may hide. */
export const MIRROR = '/opt/mirror/dist/mirror.cjs';

/** What the mirror of a bed is called. */
export const BED = { mirrorname: 'Bed', hostname: 'bed.example.org' };

/** A package that runs as long as `/srv/gate/<id>` exists; each run adds a line to `runs` in its dst. */
const GATE = `#!/bin/sh
echo run >>runs
while [ -e "/srv/gate/$MIRROR_ID" ]; do sleep 0.05; done
`;

type Json = Readonly<Record<string, unknown>>;

/** One row of `mirror status --json`. */
export interface StatusRow {
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly run: {
    readonly pid: number;
    readonly waits_for: string | null;
    readonly until: string | null;
  } | null;
  readonly last: { readonly outcome: string; readonly trigger: string } | null;
}

/** A mirror site in a bed: how tests speak to it. Paths are the bed's. */
export interface LiveSite {
  write(path: string, content: string, mode?: number): void;
  read(path: string): string;
  exists(path: string): boolean;
  /** Writes /etc/mirror/config.json. */
  configure(packages: readonly Json[], settings?: Json): void;
  /** `mirror …` as root. */
  mirror(...args: string[]): Answer;
  /** `mirror …` that must end with 0; returns its stdout. */
  must(...args: string[]): string;
  job(id: string): Job;
  history(id: string): RunRecord[];
  status(id: string): StatusRow;
  /** A property of a unit. */
  show(unit: string, property: string): string;
  /** Stops timers and makes it look as if that had been `ms` ago: they missed what slots there were since. */
  miss(ids: readonly string[], ms: number): void;
  /** Makes timers fire now, by `miss`. */
  wake(ids: readonly string[], ms: number): void;
  /** Lets a gated package run on, or end. */
  gate(id: string, state: 'shut' | 'open'): void;
  runs(id: string): number;
  /** Waits, at most `seconds`, until something is so; throws with the units' last words. */
  until(what: string, isSo: () => boolean, seconds?: number): Promise<void>;
}

/** Copies the built program into a bed. */
export function installProgram(bed: Bed, directory = dirname(MIRROR)): void {
  cpSync(dirname(ENTRY), join(bed.root, directory), { recursive: true });
}

/** Installs the built program, the user and the directories in a bed. Nothing is configured yet. */
export function liveSite(bed: Bed): LiveSite {
  const at = (path: string): string => join(bed.root, path);
  const site: LiveSite = {
    write: bed.write,
    read: bed.read,
    exists: bed.exists,
    configure: (packages, settings = {}) => configure(bed, packages, settings),
    mirror: (...args) => bed.run(MIRROR, ...args),
    must: (...args) => bed.must(MIRROR, ...args),
    job: (id) => JSON.parse(site.read(layout().job(id))) as Job,
    history: (id) => readHistory(layout(bed.root), id),
    status: (id) => {
      const { packages } = JSON.parse(site.must('status', '--json', id)) as { packages: StatusRow[] };
      if (!packages[0]) throw new Error(`no status of ${id}`);
      return packages[0];
    },
    show: (unit, property) => bed.must('systemctl', 'show', unit, '--value', `--property=${property}`).trim(),
    miss: (ids, ms) => {
      const timers = ids.map((id) => `${unitName(id)}.timer`);
      bed.must('systemctl', 'stop', ...timers);
      const past = Date.now() - ms;
      for (const id of ids) {
        site.write(layout().baselineFile(id), JSON.stringify({ at: past }));
        const stamp = `/var/lib/systemd/timers/stamp-${unitName(id)}.timer`;
        site.write(stamp, '');
        utimesSync(at(stamp), past / 1000, past / 1000);
      }
    },
    wake: (ids, ms) => {
      site.miss(ids, ms);
      bed.must('systemctl', 'start', ...ids.map((id) => `${unitName(id)}.timer`));
    },
    gate: (id, state) => {
      if (state === 'shut') site.write(`/srv/gate/${id}`, '');
      else bed.must('rm', '-f', `/srv/gate/${id}`);
    },
    runs: (id) => {
      const path = `/srv/ftp/${id}/runs`;
      return site.exists(path) ? site.read(path).trim().split('\n').length : 0;
    },
    until: async (what, isSo, seconds = 20) => {
      const end = Date.now() + seconds * 1000;
      while (!isSo()) {
        await sleep(50);
        if (Date.now() < end) continue;
        const words = bed.run('journalctl', '--no-pager', '-n', '60', '-o', 'short', '-t', 'systemd').stdout;
        throw new Error(
          `not within ${String(seconds)} s: ${what}\n${site.mirror('status').stdout}\n${words}`,
        );
      }
    },
  };
  installProgram(bed);
  site.write('/opt/mirror/gate', GATE, 0o755);
  mkdirSync(at('/srv/ftp'), { recursive: true });
  return site;
}

/** A package as config.json has it; it comes by rsync from the bed's own upstream. */
export function pkg(id: string, syncrate: string, rest: Json = {}): Json {
  const { settings = {}, ...others } = rest as { settings?: Json };
  return {
    name: id,
    id,
    href: `/${id}`,
    synctype: 'rsync',
    syncrate,
    link: [],
    guard: { min_free: '0%' },
    ...others,
    settings: {
      hidden: false,
      src: `rsync://127.0.0.1/pub/${id}`,
      dst: `/srv/ftp/${id}`,
      options: {},
      ...settings,
    },
  };
}

/** A package whose run lasts until its gate is opened; see `LiveSite.gate`. */
export function gated(id: string, syncrate: string, rest: Json = {}): Json {
  return pkg(id, syncrate, {
    synctype: 'command',
    ...rest,
    settings: { src: '', options: { command: ['/opt/mirror/gate'] } },
  });
}

/** Starts an rsync daemon inside, on port 8730, that serves `/srv/upstream` as `archlinux`, to `me` with `hunter2`. */
export function serveClosedUpstream(bed: Bed): void {
  bed.write('/srv/upstream/core/core.db', 'packages\n');
  bed.write('/etc/rsyncd.secrets', 'me:hunter2\n', 0o600);
  bed.write(
    '/etc/rsyncd.conf',
    '[archlinux]\npath = /srv/upstream\nread only = yes\nuse chroot = no\nuid = nobody\nauth users = me\nsecrets file = /etc/rsyncd.secrets\n',
  );
  const daemon = ['rsync', '--daemon', '--no-detach', '--port=8730', '--address=127.0.0.1'];
  bed.must('systemd-run', '--quiet', '--unit=upstream', ...daemon);
}

/** Starts an rsync daemon inside, on every loopback address, that serves `/srv/upstream` as `pub`. */
export function serveUpstream(bed: Bed, site: LiveSite, ids: readonly string[], lines = ''): void {
  for (const id of ids) site.write(`/srv/upstream/${id}/file`, `${id}\n`);
  const conf = `[pub]\npath = /srv/upstream\nread only = yes\nuse chroot = no\nuid = nobody\n${lines}`;
  site.write('/etc/rsyncd.conf', conf);
  bed.must('systemd-run', '--quiet', '--unit=upstream', 'rsync', '--daemon', '--no-detach');
}

/** What differs in a bed from the usual settings. */
const SETTINGS = {
  scheduler: 'systemd',
  executable: MIRROR,
  uid: 'mirror',
  gid: 'mirror',
  localtimezone: 'Asia/Seoul',
  logger: {
    packagelevel: 'INFO',
    packagefileformat: {
      base: '/var/log/mirror/packages',
      folder: '{year}',
      filename: '{packageid}.{microsecond}.log',
      gzip: false,
    },
  },
};

function configure(bed: Bed, packages: readonly Json[], settings: Json): void {
  const byId = Object.fromEntries(packages.map((each) => [String(each.id), each]));
  const config = siteConfig(byId, { ...SETTINGS, ...settings }, BED);
  bed.write('/etc/mirror/config.json', JSON.stringify(config));
}
