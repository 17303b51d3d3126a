import { readFileSync } from 'node:fs';
import { diskReader, readSite, type ConfigReader, type SiteResult } from '../../src/config/index.js';
import { siteConfig } from '../support/site-config.js';

/** Reads a directory as if it were `/site`, so that messages do not depend on where the checkout is. */
export function siteReader(directory: string): ConfigReader {
  const real = (path: string): string => path.replace(/^\/site/, directory);
  return {
    read: (path) => readFileSync(real(path)),
    glob: (pattern) =>
      diskReader()
        .glob(real(pattern))
        .map((path) => path.replace(directory, '/site')),
    realPath: (path) => diskReader().realPath(real(path))?.replace(directory, '/site') ?? null,
  };
}

/** Reads the site in a directory (`config.json`) for the machine `node1`. */
export function readDirectory(directory: string): SiteResult {
  return readSite(siteReader(directory), '/site/config.json', { node: 'node1' });
}

/** Reads files given as text; the first one is the config. */
export function readFiles(files: Readonly<Record<string, string | Uint8Array>>): SiteResult {
  const names = Object.keys(files);
  const reader: ConfigReader = {
    read: (path) => Buffer.from(files[path.replace('/site/', '')] ?? ''),
    glob: (pattern) => names.map((name) => `/site/${name}`).filter((path) => matches(pattern, path)),
    realPath: (path) => path,
  };
  return readSite(reader, `/site/${names[0] ?? ''}`, { node: 'node1' });
}

/** A config that is whole, with these packages and settings. */
export function siteWith(packages: object, settings: object = {}, top: object = {}): string {
  return JSON.stringify(siteConfig(packages, settings, top), null, 2);
}

/** An rsync package. */
export function rsyncPackage(id: string, extra: object = {}, settings: object = {}): object {
  return {
    [id]: {
      synctype: 'rsync',
      syncrate: 'PT6H',
      ...extra,
      settings: { src: `rsync://up.example.org/${id}`, dst: `/srv/ftp/${id}`, ...settings },
    },
  };
}

function matches(pattern: string, path: string): boolean {
  return new RegExp(`^${pattern.replace(/[.+]/g, '\\$&').replace(/\*/g, '[^/]*')}$`).test(path);
}
