import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startHttpServer } from '../support/http-server.js';
import type { HttpServer } from '../support/http-server.js';
import { onPath } from '../support/tools.js';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

export const MISSING = ['jigdo-mirror', 'jigdo-file', 'wget'].filter((name) => !onPath(name));
export const scratch = mkdtempSync(join(tmpdir(), 'mirror-jigdo-'));
export const archive = join(scratch, 'debian');
export const upstream = join(scratch, 'debian-cd');
export let site: MethodSite;
export let rsyncd: Rsyncd;
export let http: HttpServer;

export function put(path: string, text: string | Buffer): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

export function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** An image with the files of the archive in it, published as jigdo file and template; returns its checksum. */
export function publishImage(arch: string, set: string, version = '13.1.0', packed = true): string {
  const name = `debian-${version}-${arch}-${set.toUpperCase()}-1`;
  const files = readdirSync(join(archive, 'pool')).map((file) => readFileSync(join(archive, 'pool', file)));
  const image = put(join(scratch, 'image.iso'), Buffer.concat([Buffer.from(`${arch} ${set}`), ...files]));
  const directory = join(upstream, version, arch, `jigdo-${set}`);
  mkdirSync(directory, { recursive: true });
  const jigdo = join(directory, `${name}.jigdo`);
  const made = [
    'make-template',
    `--image=${image}`,
    `--jigdo=${jigdo}`,
    `--template=${directory}/${name}.template`,
  ];
  const label = [`--label=Debian=${archive}`, '--uri=Debian=http://127.0.0.1:1/', `${archive}//`];
  execFileSync('jigdo-file', [...made, ...label, '--report=quiet', '--force'], { stdio: 'ignore' });
  const text = readFileSync(jigdo, 'utf8').replace(/^Filename=.*$/m, `Filename=${name}.iso`);
  writeFileSync(jigdo, packed ? gzipSync(text.replace(/^Template=.*$/m, `Template=${name}.template`)) : text);
  put(
    join(upstream, 'project/build', version, arch),
    `${readdirSync(join(upstream, version, arch))
      .filter((file) => file.startsWith('jigdo-'))
      .map((file) => file.slice('jigdo-'.length))
      .join(' ')}\n`,
  );
  put(join(upstream, version, arch, `iso-${set}/debian-${version}-${arch}-netinst.iso`), `netinst ${arch}`);
  return sha256(image);
}

export function isCurrent(version: string): void {
  rmSync(join(upstream, 'current'), { force: true });
  symlinkSync(version, join(upstream, 'current'));
}

export function images(options: object = {}, changes: object = {}): Record<string, object> {
  const src = rsyncd.url('debian-cd');
  const debian_mirror = `file:${archive}`;
  return {
    images: { synctype: 'jigdo', ...changes, settings: { src, options: { debian_mirror, ...options } } },
  };
}

export function at(path: string): string {
  return join(site.dst('images'), path);
}

export async function fails(
  options: object = {},
  changes: object = {},
): Promise<readonly [number | null, string]> {
  await site.apply(images(options, changes));
  const { code } = await site.run('images');
  const { last } = site.state('images');
  return [code, `${String(last?.failure ?? last?.outcome)}: ${last?.reason ?? ''}`];
}

export const IMAGE = '13.1.0/amd64/iso-dvd/debian-13.1.0-amd64-DVD-1.iso';
export let digest: string;

beforeAll(async () => {
  mkdirSync(upstream);
  mkdirSync(archive);
  rsyncd = await startRsyncd({ 'debian-cd': { path: upstream } });
  http = await startHttpServer(archive);
});

beforeEach(() => {
  if (MISSING.length > 0) return undefined;
  site = methodSite();
  for (const path of [archive, upstream]) {
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
  }
  for (const name of ['apt', 'bash', 'dpkg']) put(join(archive, `pool/${name}.deb`), randomBytes(60_000));
  digest = publishImage('amd64', 'dvd');
  isCurrent('13.1.0');
  http.missing = null;
  return () => site.remove();
});

afterAll(async () => {
  await rsyncd.stop();
  await http.stop();
  rmSync(scratch, { recursive: true, force: true });
});
