import { context } from '../compile/site.js';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { JOB_FORMAT } from '../../src/job/job.js';
import type { Job } from '../../src/job/job.js';
import { STATE_DIRECTORIES, layout as layoutOf } from '../../src/job/layout.js';
import type { Layout } from '../../src/job/layout.js';
import type { Rule } from '../../src/job/schedule.js';
import { SITE_FORMAT } from '../../src/job/site-file.js';
import type { SiteFile } from '../../src/job/site-file.js';
import { rsync } from '../../src/methods/rsync.js';
import type { Package } from '../../src/model/site.js';
import { optionDefaults } from '../../src/config/check.js';
import { RUN_VARIABLE, runMark } from '../../src/job/run-mark.js';
import { peekState } from '../../src/state/store.js';
import type { PackageState, RunRecord } from '../../src/state/package-state.js';

/** The built program, as timers start it. */
export const ENTRY = process.env.MIRROR_TEST_ENTRY ?? resolve('dist/mirror.cjs');

export interface RunResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run in progress. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<RunResult>;
}

/** An installation below a directory of its own, as `apply --root` would have left it. */
export interface Installation {
  readonly root: string;
  readonly layout: Layout;
  /** Writes a job; `change` replaces fields of one with an hourly schedule and no limits. */
  job(id: string, change?: Partial<Job>): Job;
  /** A job whose tool is a shell script; `$F` is the directory `flags` of the root, `$ID` its id. */
  script(id: string, text: string, change?: Partial<Job>, upstream?: string | null): Job;
  /** Steps of the real rsync method for these sources, the first one deleting. */
  attempts(id: string, sources: readonly string[], change?: Partial<Package>): Job['attempts'];
  dst(id: string): string;
  start(args: readonly string[], env?: NodeJS.ProcessEnv): Running;
  run(id: string, ...args: string[]): Promise<RunResult>;
  state(id: string): PackageState;
  history(id: string): RunRecord[];
  /** Makes the slot that the last run served due again. */
  slotComes(id: string): void;
  /** Text of the last run's log. */
  log(id: string): string;
  remove(): void;
}

/** Always has a slot between one and two minutes ago, and the next one in almost a day. */
export function recentDaily(): Rule {
  const minute = Math.floor(Date.now() / 60_000) * 60 - 60;
  return { kind: 'interval', every: 86_400, phase: minute % 86_400 };
}

/** Makes an empty installation below `parent` (default: a temporary directory). */
export function install(parent = mkdtempSync(join(tmpdir(), 'mirror-run-'))): Installation {
  const root = join(parent, 'root');
  const layout = layoutOf(root);
  for (const name of [...STATE_DIRECTORIES, 'slots'])
    mkdirSync(join(layout.state, name), { recursive: true });
  mkdirSync(join(layout.compiled, 'jobs'), { recursive: true });
  mkdirSync(join(root, 'www'));
  const dst = (id: string): string => join(root, 'srv', id);
  const jobs = new Map<string, Job>();
  const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Running => execute(args, env);
  const installation: Installation = {
    root,
    layout,
    dst,
    script(id, text, change = {}, upstream = null) {
      const env = { F: join(root, 'flags'), ID: id };
      mkdirSync(env.F, { recursive: true });
      const step = { kind: 'exec', tool: 'command', argv: ['sh', '-c', text], env } as const;
      return installation.job(id, { attempts: [{ src: `test:${id}`, upstream, steps: [step] }], ...change });
    },
    job(id, change = {}) {
      const job = { ...blankJob(id, root, dst(id)), ...change };
      mkdirSync(dst(id), { recursive: true });
      writeFileSync(layout.job(id), JSON.stringify(job), { mode: 0o644 });
      jobs.set(id, job);
      writeFileSync(layout.siteFile, JSON.stringify(siteOf(root, [...jobs.values()])));
      return job;
    },
    attempts: (id, sources, change = {}) => rsyncAttempts(id, dst(id), sources, change),
    start,
    run: (id, ...args) => start(['run', '--root', root, ...args, id]).ended,
    state: (id) => peekState(layout, id),
    history: (id) => lines(layout.historyFile(id)).map((line) => JSON.parse(line) as RunRecord),
    slotComes(id) {
      writeFileSync(layout.stateFile(id), JSON.stringify({ ...peekState(layout, id), last_end: null }));
    },
    log(id) {
      const path = peekState(layout, id).last?.log;
      if (path == null) return '';
      return path.endsWith('.gz') ? gunzipSync(readFileSync(path)).toString() : readFileSync(path, 'utf8');
    },
    remove: () => rmSync(parent, { recursive: true, force: true }),
  };
  return installation;
}

/** Writes files below a directory; a value is the content. */
export function tree(directory: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

/** `count` small files named f0, f1, … */
export function manyFiles(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, `content ${i}\n`]));
}

/** Names of everything below a directory, sorted. */
export function listing(directory: string): string[] {
  return (readdirSync(directory, { recursive: true }) as string[]).sort();
}

/** Waits until `condition` holds; fails after ten seconds. */
export async function until(condition: () => boolean, what = 'condition'): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    if (condition()) return;
    await new Promise((next) => setTimeout(next, 20));
  }
  throw new Error(`waited in vain: ${what}`);
}

/** Process group of the tool that a living run works with, or null: a child of its executor with the executor's mark. */
export function toolGroup(run: PackageState['run']): number | null {
  if (run === null) return null;
  try {
    const children = readFileSync(`/proc/${run.pid}/task/${run.pid}/children`, 'utf8')
      .split(' ')
      .filter(Boolean);
    const mark = `${RUN_VARIABLE}=${runMark(run.pid, run.pid_start)}`;
    const tool = children.find((pid) =>
      readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark),
    );
    return tool === undefined ? null : Number(tool);
  } catch {
    // One of them ended in this very moment.
    return null;
  }
}

function execute(args: readonly string[], env: NodeJS.ProcessEnv): Running {
  const inherited = { ...process.env };
  delete inherited.NODE_EXTRA_CA_CERTS;
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<RunResult>((done) => {
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

function lines(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}

function blankJob(id: string, root: string, dst: string): Job {
  return {
    format: JOB_FORMAT,
    id,
    name: id,
    method: 'rsync',
    node: 'test',
    scheduler: 'crontab',
    unit: null,
    dst,
    schedule: { rule: recentDaily(), windows: [], zone: 'UTC' },
    min_gap: 0,
    attempts: [{ src: '', upstream: null, steps: [{ kind: 'require-directory', path: dst }] }],
    guard: { deletes: 40_000, ratio: 0.1, min_free: { bytes: 0 }, mount: null },
    retry: { delay: 600, attempts: 1, max_delay: 3600 },
    max_runtime: 60,
    first_sync: { max_runtime: 60 },
    limits: { concurrent: 0, per_upstream: 0, load_max: null },
    run_as: { user: 0, group: 0, shared_group: 0, umask: '0022' },
    prefix: [],
    env: {},
    secrets: {},
    timezone: 'Asia/Seoul',
    log: {
      base: join(root, 'log'),
      folder: '{year}/{month}/{day}',
      filename: '{hour}:{minute}:{second}.{microsecond}.{packageid}.log',
      gzip: false,
      keep: { ok: 2_592_000, failed: 7_776_000, unchanged: 0, total: 5 * 2 ** 30 },
      console_format: '[%(asctime)s][{package}] %(levelname)s # %(message)s',
      console_level: 'ERROR',
    },
  };
}

function rsyncAttempts(
  id: string,
  dst: string,
  sources: readonly string[],
  { options, ...change }: Partial<Package>,
): Job['attempts'] {
  const pkg = {
    id,
    dst,
    sources: [],
    options: { ...optionDefaults('rsync'), timeout: 10, contimeout: 5, ...options },
    password: null,
    precheck: null,
    acceptExit: {},
    network: {
      family: 'any',
      bind: null,
      proxy: null,
      caFile: null,
      ssh: { key: null, knownHosts: null, port: null },
    },
    ...change,
  } as unknown as Package;
  return sources.map((url, index) => {
    const upstream = url.startsWith('/') ? null : '127.0.0.1';
    const source = { url, publicUrl: url, host: upstream };
    const steps = rsync.steps(pkg, context(source, { fallback: index > 0 }));
    return { src: url, upstream, steps };
  });
}

function siteOf(root: string, jobs: readonly Job[]): SiteFile {
  return {
    format: SITE_FORMAT,
    mirrorname: 'Test Mirror',
    hostname: 'mirror.test',
    node: 'test',
    timezone: 'Asia/Seoul',
    statusfile: join(root, 'www/status.json'),
    statfile: join(root, 'var/lib/mirror/stat.json'),
    run_as: { user: 0, group: 0 },
    packages: jobs.map((job) => ({
      id: job.id,
      name: job.name,
      href: `/${job.id}`,
      synctype: job.method,
      syncrate: 'P1D',
      link: [],
      hidden: false,
      disabled: false,
      src: job.attempts[0]?.src ?? '',
      dst: job.dst,
      options: {},
      stale_after: null,
    })),
  };
}
