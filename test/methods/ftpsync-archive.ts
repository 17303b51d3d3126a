import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { onPath } from '../support/tools.js';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

export const PASSWORD = "correct 'horse' $HOME";
export const ROOT = process.getuid?.() === 0;
export const suite = describe.skipIf(!onPath('ftpsync'));
export const upstream = mkdtempSync(join(tmpdir(), 'mirror-ftpsync-'));
/** Added to the environment of every command: a push's words are there. */
export const env: Record<string, string> = {};
export let site: MethodSite;
export let rsyncd: Rsyncd;

export function put(path: string, text: string, mode = 0o644): void {
  const file = join(upstream, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

/** An archive as Debian's are laid out, with one version of one package. */
export function publish(version: string): void {
  rmSync(upstream, { recursive: true, force: true });
  mkdirSync(upstream);
  put('dists/stable/Release', `Suite: stable\nVersion: ${version}\n`);
  for (const arch of ['amd64', 'arm64']) {
    put(`dists/stable/main/binary-${arch}/Packages`, `Package: hello\nVersion: ${version}\n`);
    put(`pool/main/h/hello/hello_${version}_${arch}.deb`, `${arch} ${version} `.repeat(20_000));
  }
  put('project/trace/master', 'Mon Nov 23 02:05:09 UTC 2026\nArchive serial: 2026112301\n');
}

/** A package `debian` of the loopback's daemon; `changes` is what a test says differently. */
export function debian(settings: object = {}, changes: object = {}): Record<string, object> {
  const src = rsyncd.url('debian');
  return { debian: { synctype: 'ftpsync', ...changes, settings: { src, ...settings } } };
}

export function mirrored(path: string): string | null {
  const file = join(site.dst('debian'), path);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

export function trace(): string {
  return mirrored('project/trace/mirror.test') ?? '';
}

export async function push(words: string): Promise<number | null> {
  env.SSH_ORIGINAL_COMMAND = words;
  try {
    return (await site.mirror('push', '--wait', '--debounce', 'PT0S', 'debian')).code;
  } finally {
    delete env.SSH_ORIGINAL_COMMAND;
  }
}

beforeAll(async () => {
  rsyncd = await startRsyncd(
    {
      debian: { path: upstream },
      private: { path: upstream, options: { 'auth users': 'me', 'secrets file': 'SECRETS' } },
      nobody: { path: upstream, options: { uid: 'nobody', gid: 'nogroup' } },
    },
    { me: PASSWORD },
  );
});

beforeEach(() => {
  site = methodSite(env);
  publish('1.0');
  return () => site.remove();
});

afterAll(async () => {
  await rsyncd.stop();
  rmSync(upstream, { recursive: true, force: true });
});
