import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startFaultProxy } from '../support/fault-proxy.js';
import type { FaultProxy } from '../support/fault-proxy.js';
import { startRsyncd } from '../support/rsyncd.js';
import type { Module, Rsyncd } from '../support/rsyncd.js';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

/** The tree that upstream has. */
export const upstream = mkdtempSync(join(tmpdir(), 'mirror-upstream-'));
export let rsyncd: Rsyncd;
/** Stands before `rsyncd`. */
export let proxy: FaultProxy;
/** A new one for each test. */
export let site: MethodSite;

/**
 * Has an rsync daemon serve `upstream` to the tests of a file, as modules of these names with these lines of
 * rsyncd.conf(5), to users with these passwords. Call it once, at the file's top.
 */
export function serveUpstream(
  modules: Readonly<Record<string, NonNullable<Module['options']>>>,
  secrets: Readonly<Record<string, string>> = {},
): void {
  beforeAll(async () => {
    // Also to a daemon that is nobody.
    chmodSync(upstream, 0o755);
    const served = Object.entries(modules).map(
      ([name, options]) => [name, { path: upstream, options }] as const,
    );
    rsyncd = await startRsyncd(Object.fromEntries(served), secrets);
    proxy = await startFaultProxy(rsyncd.port);
  });

  afterAll(async () => {
    await proxy.stop();
    await rsyncd.stop();
    rmSync(upstream, { recursive: true, force: true });
  });

  beforeEach(() => {
    site = methodSite();
    proxy.set(null);
    return () => site.remove();
  });
}

/** Address of a module behind the proxy. */
export function throughProxy(module: string): string {
  return `rsync://127.0.0.1:${String(proxy.port)}/${module}`;
}

let second = 1_700_000_000;

/** Gives a file of upstream a time of its own, later than any before it. */
export function touch(path: string): void {
  second += 10;
  utimesSync(join(upstream, path), second, second);
}

/** Writes a file of upstream, with a time of its own; whoever reads it meanwhile gets the old one or the new one. */
export function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(upstream, path)), { recursive: true });
  writeFileSync(`${upstream}.new`, content);
  renameSync(`${upstream}.new`, join(upstream, path));
  touch(path);
}
