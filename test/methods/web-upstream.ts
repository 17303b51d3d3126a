import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { makeSigningKey } from '../support/apt-repo.js';
import type { SigningKey } from '../support/apt-repo.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import type { FaultProxy } from '../support/fault-proxy.js';
import { startHttpServer } from '../support/http-server.js';
import type { HttpServer } from '../support/http-server.js';
import { makeCertificate } from '../support/tools.js';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

/** What `serveClosed` wants to know: a password that every file and shell on its way could break. */
export const LOGIN = { user: "mi'rror", password: `p'a"s$\\s; %41 \`id\` ü@:/#[x]=y` };

export let site: MethodSite;
/** The key of the upstream, and one that nobody trusts. */
export let key: SigningKey;
export let other: SigningKey;
export let server: HttpServer;
/** Stands before `server`; see `throughProxy`. */
export let proxy: FaultProxy;
/** The package of the test that runs, another one in each. */
export let id = '';

let scratch = '';
let count = 0;

/**
 * What tests of a method stand on that mirrors a signed repository by http: a site, and a web server that fails when a test
 * says so. Each test has a package of its own, named `name` and a number; its upstream is what the test puts into
 * `upstream()`. Call it once, in the `describe` of these tests.
 */
export function serveRepositories(name: string): void {
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'mirror-web-'));
    // An rsync daemon's `nobody` gets at it, too.
    chmodSync(scratch, 0o755);
    site = methodSite();
    key = makeSigningKey();
    other = makeSigningKey('Somebody else');
    server = await startHttpServer(join(scratch, 'www'));
    proxy = await startFaultProxy(server.port);
  });

  afterAll(async () => {
    await proxy.stop();
    await server.stop();
    key.remove();
    other.remove();
    site.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  beforeEach(() => {
    server.missing = null;
    proxy.set(null);
    count += 1;
    id = `${name}${String(count)}`;
  });
}

/** The directory that the server serves as the package's upstream; not made yet. */
export function upstream(): string {
  return join(scratch, 'www', id);
}

/** Address of the package's upstream behind the proxy. */
export function throughProxy(): string {
  return `http://127.0.0.1:${String(proxy.port)}/${id}`;
}

/** What became of the package's last run. */
export function last(): object {
  return site.state(id).last ?? {};
}

/** An address with `LOGIN` in it, as RFC 3986 has it. */
export function withLogin(src: string): string {
  const user = LOGIN.user.replace("'", '%27');
  return src.replace('//', `//${user}:${encodeURIComponent(LOGIN.password)}@`);
}

/** Serves the same by https, with a CA of its own and only to `LOGIN`, until the test ends. */
export async function serveClosed(): Promise<{ src: string; network: { ca_file: string } }> {
  const tls = makeCertificate(scratch);
  const closed = await startHttpServer(join(scratch, 'www'), {
    tls,
    login: `${LOGIN.user}:${LOGIN.password}`,
  });
  onTestFinished(() => closed.stop());
  return { src: closed.url(id, 'localhost'), network: { ca_file: tls.cert } };
}
