import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { PackageState } from '../../src/state/package-state.js';
import { settingsBelow, siteConfig } from '../support/site-config.js';

const PROGRAM = process.env.MIRROR_TEST_ENTRY ?? join(import.meta.dirname, '../../dist/mirror.cjs');

/** How a command of the built program ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A site in a scratch directory (`--root`), used as a person does: config, apply, run, and what is then on disk. */
export interface MethodSite {
  readonly root: string;
  dst(id: string): string;
  /** Writes the config and applies it; throws with what apply said when it does not end with 0. */
  apply(packages: Readonly<Record<string, object>>, settings?: object): Promise<Ended>;
  mirror(...args: readonly string[]): Promise<Ended>;
  run(id: string, ...args: readonly string[]): Promise<Ended>;
  state(id: string): PackageState;
  /** Text of the last run's log. */
  log(id: string): string;
  remove(): void;
}

/** Makes the directories; `env` is added to that of every command (where a tool of the tests is). */
export function methodSite(env: Readonly<Record<string, string>> = {}): MethodSite {
  const root = mkdtempSync(join(tmpdir(), 'mirror-method-'));
  for (const name of ['srv', 'www', 'log', 'etc']) mkdirSync(join(root, name), { recursive: true });
  const config = join(root, 'etc/config.json');
  const mirror = (...args: readonly string[]): Promise<Ended> => run([...args, '--root', root], env);
  const state = (id: string): PackageState =>
    JSON.parse(readFileSync(join(root, 'var/lib/mirror/state', `${id}.json`), 'utf8')) as PackageState;
  return {
    root,
    dst: (id) => join(root, 'srv', id),
    async apply(packages, settings = {}) {
      const filled = Object.entries(packages).map(([id, value]) => [id, packageOf(root, id, value)] as const);
      const all = { ...settingsOf(root), ...settings };
      const site = siteConfig(Object.fromEntries(filled), all, { hostname: 'mirror.test' });
      writeFileSync(config, JSON.stringify(site));
      const ended = await mirror('apply', '-c', config);
      if (ended.code !== 0)
        throw new Error(`apply: exit ${String(ended.code)}\n${ended.stderr}${ended.stdout}`);
      return ended;
    },
    mirror,
    run: (id, ...args) => mirror('run', ...args, id),
    state,
    log(id) {
      const path = state(id).last?.log ?? '';
      const bytes = readFileSync(path);
      return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A package with what every test would write; dst is made. Its own keys win. */
function packageOf(root: string, id: string, value: object): object {
  const { settings = {}, ...rest } = value as { settings?: object };
  const dst = join(root, 'srv', id);
  mkdirSync(dst, { recursive: true });
  return { name: id, href: `/${id}`, syncrate: '', link: [], ...rest, settings: { dst, ...settings } };
}

function settingsOf(root: string): object {
  return {
    ...settingsBelow(root),
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    logger: { keep: { ok: 'P1D', failed: 'P1D', unchanged: 'P1D' } },
  };
}

function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}
