import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BANDERSNATCH, pypiTree } from '../support/pypi.js';
import type { PypiTree } from '../support/pypi.js';
import { startPythonServer } from '../support/python-server.js';
import type { PythonServer } from '../support/python-server.js';
import { makeCertificate } from '../support/tools.js';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

const PROGRAM = join(BANDERSNATCH, 'bin/bandersnatch');

/** Words for the names of tests that a machine without bandersnatch skips; empty where it is. */
export const WITHOUT = existsSync(PROGRAM) ? '' : ' (skipped: no bandersnatch)';

/** A wheel's file name. */
export function wheel(name: string, version: string): string {
  return `${name}-${version}-py3-none-any.whl`;
}

/** A site with one package and an upstream of its own, new ones at each `begin`. */
export class PypiSite {
  readonly scratch = mkdtempSync(join(tmpdir(), 'mirror-bandersnatch-'));
  readonly site: MethodSite = methodSite();
  /** The upstream's certificate, which is its own CA. */
  readonly cert: string;
  id = '';
  private served: { tree: PypiTree; plain: PythonServer; tls: PythonServer } | null = null;
  private count = 0;

  constructor() {
    const { key, cert } = makeCertificate(this.scratch);
    writeFileSync(join(this.scratch, 'both.pem'), readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'));
    this.cert = cert;
  }

  /** A package that has not run yet, and an upstream with two projects. */
  async begin(): Promise<void> {
    await this.stop();
    this.count += 1;
    this.id = `pypi${String(this.count)}`;
    const tree = pypiTree(join(this.scratch, this.id));
    tree.release('alpha', '1.0');
    tree.release('alpha', '2.0rc1');
    tree.release('beta', '1.0');
    const plain = await startPythonServer('pypid.py', [tree.root]);
    const tls = await startPythonServer('pypid.py', [tree.root, '--tls', join(this.scratch, 'both.pem')]);
    this.served = { tree, plain, tls };
  }

  async end(): Promise<void> {
    await this.stop();
    this.site.remove();
    rmSync(this.scratch, { recursive: true, force: true });
  }

  get upstream(): PypiTree {
    return this.now.tree;
  }

  get port(): number {
    return this.now.plain.port;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  get tlsUrl(): string {
    return `https://localhost:${String(this.now.tls.port)}`;
  }

  async apply(options: object = {}, src: string | string[] = this.url, keys: object = {}): Promise<void> {
    const settings = { src, options: { program: PROGRAM, timeout: 1, ...options } };
    await this.site.apply({ [this.id]: { synctype: 'bandersnatch', ...keys, settings } });
  }

  /** Applies a package that has a bandersnatch.conf of its own. */
  async applyOwn(config: string, options: object = {}): Promise<void> {
    const settings = { src: '', options: { program: PROGRAM, config, ...options } };
    await this.site.apply({ [this.id]: { synctype: 'bandersnatch', settings } });
  }

  run(...args: readonly string[]): ReturnType<MethodSite['run']> {
    return this.site.run(this.id, ...args);
  }

  get last(): { readonly reason?: string | null } {
    return this.site.state(this.id).last ?? {};
  }

  get log(): string {
    return this.site.log(this.id);
  }

  get dst(): string {
    return this.site.dst(this.id);
  }

  /** Names of the files of releases, in order. */
  mirrored(): string[] {
    return readdirSync(join(this.dst, 'web/packages'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort();
  }

  private get now(): { tree: PypiTree; plain: PythonServer; tls: PythonServer } {
    if (this.served === null) throw new Error('not begun');
    return this.served;
  }

  private async stop(): Promise<void> {
    await this.served?.plain.stop();
    await this.served?.tls.stop();
    this.served = null;
  }
}
