import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { defaultConfig, DEFAULT_PLACE } from '../apply/default-config.js';
import { needsOf, setup, type Needs, type SetupResult } from '../apply/setup.js';
import { uninstall } from '../apply/uninstall.js';
import { ConfigFileError, diskReader, readSite, type Surroundings } from '../config/index.js';
import { EXIT } from '../job/outcome.js';
import { layout, type Layout } from '../job/layout.js';
import { jsonText } from '../job/plain-text.js';
import { realSystem } from '../system/real.js';
import type { System } from '../system/system.js';
import { ExitError } from './exit.js';
import { configPath, rootPath, surroundingsOf } from './load-site.js';
import type { GlobalOptions } from './options.js';

export interface SetupOptions extends GlobalOptions {
  readonly uninstall: boolean;
  readonly force: boolean;
}

/** `mirror setup [--uninstall]`: exits 77 when something is left for a person to do. */
export async function setUp(options: SetupOptions): Promise<void> {
  if (options.force && !options.uninstall)
    throw new ExitError(EXIT.usage, 'mirror: --force goes with --uninstall only');
  const system = realSystem();
  const root = rootPath(options);
  refuse(root, system);
  const { done, problems } = options.uninstall
    ? await uninstall(layout(root), options.force, system)
    : await prepare(options, layout(root), system);
  if (options.json) {
    process.stdout.write(`${jsonText({ format: 'mirror/setup/1', done, problems }, 2)}\n`);
  } else {
    for (const line of done) process.stdout.write(`${line}\n`);
    for (const line of problems) process.stderr.write(`mirror: ${line}\n`);
    if (done.length === 0 && problems.length === 0)
      process.stdout.write(options.uninstall ? 'Nothing was installed.\n' : 'Everything is in place.\n');
  }
  if (problems.length > 0) throw new ExitError(EXIT.needsPerson);
}

async function prepare(options: GlobalOptions, paths: Layout, system: System): Promise<SetupResult> {
  const path = configPath(options);
  const config = writeConfig(path, system);
  const needs = readNeeds(path, surroundingsOf(options));
  const wanted = needs ?? DEFAULTS;
  // Only with our own config: elsewhere a missing place may be a disk that is not mounted.
  const places = config.length > 0 ? [DEFAULT_PLACE] : [];
  const all = { ...wanted, writable: [...wanted.writable, ...places] };
  const { done, problems } = await setup(all, paths, system);
  const invalid = needs
    ? []
    : [`${path} has errors, so the defaults were set up: mirror validate, then setup again`];
  return { done: [...config, ...done], problems: [...invalid, ...problems] };
}

/** What the default config asks for; used while the config there is cannot be understood. */
const DEFAULTS: Needs = {
  site: null,
  uid: 'mirror',
  gid: 'mirror',
  accounts: [],
  writable: ['/var/log/mirror', '/var/www/mirror', '/var/lib/mirror', '/var/log/mirror/packages'],
  log: { path: '/var/log/mirror/mirror.log', gzip: true },
  scheduler: 'systemd',
  packages: [],
};

function refuse(root: string, system: System): void {
  if (process.platform !== 'linux')
    throw new ExitError(EXIT.needsPerson, `mirror: setup works on Linux only, this is ${process.platform}`);
  if (root === '' && system.uid() !== 0)
    throw new ExitError(
      EXIT.needsPerson,
      'mirror: setup makes users and directories and must be root: sudo mirror setup',
    );
}

function writeConfig(path: string, system: System): string[] {
  if (system.actual(path).kind !== 'absent') return [];
  const missing: string[] = [];
  for (let at = dirname(path); !system.facts(at); at = dirname(at)) missing.unshift(at);
  for (const directory of missing) system.makeDirectory(directory, 0o755);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  system.writeFile(path, defaultConfig(hostname(), zone), 0o644);
  return [...missing.map((directory) => `created ${directory}`), `wrote a default config: ${path}`];
}

function readNeeds(path: string, surroundings: Surroundings): Needs | null {
  try {
    const { site } = readSite(diskReader(), path, surroundings);
    return site && needsOf(site);
  } catch (error) {
    if (error instanceof ConfigFileError) throw new ExitError(error.code, `mirror: ${error.message}`);
    throw error;
  }
}
