import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { compile, type Compilation } from '../compile/index.js';
import {
  ConfigFileError,
  diskReader,
  readSite,
  type ConfigReader,
  type SiteResult,
  type Surroundings,
} from '../config/index.js';
import { wantsColor } from '../diagnostics/color.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { renderHuman, toJson } from '../diagnostics/render.js';
import { EXIT } from '../job/outcome.js';
import { layout, type Layout } from '../job/layout.js';
import { jsonText } from '../job/plain-text.js';
import { siteOwners } from '../model/realm.js';
import type { Site } from '../model/site.js';
import { readNameServers } from '../system/name-servers.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

/** A config that compiled, and everything a command needs to go on. */
export interface LoadedSite {
  readonly site: Site;
  readonly result: SiteResult;
  readonly compilation: Compilation;
  readonly warnings: readonly Diagnostic[];
  readonly layout: Layout;
  readonly executable: string;
  /** Addresses of the machine's name servers. */
  readonly nameServers: readonly string[];
}

/**
 * Loads, checks and compiles the config that the options name; `reader` may read it from elsewhere (git). Warnings and
 * errors go to stderr. Throws ExitError 66 (no such file) or 78 (bad config).
 */
export function loadSite(options: GlobalOptions, reader: ConfigReader = diskReader()): LoadedSite {
  const path = configPath(options);
  const result = readConfig(reader, path, surroundingsOf(options));
  if (result.site === null) {
    report(result.diagnostics, options.json);
    throw new ExitError(EXIT.config);
  }
  const paths = layout(rootPath(options), siteOwners(result.site));
  const executable = result.site.settings.executable ?? runningEntry();
  const nameServers = readNameServers(rootPath(options));
  const compilation = compile(result.site, {
    layout: paths,
    executable,
    nameServers,
  });
  const diagnostics = [...result.diagnostics, ...result.locate(compilation.findings)];
  report(diagnostics, options.json);
  if (diagnostics.some((diagnostic) => diagnostic.severity === 'error')) throw new ExitError(EXIT.config);
  return {
    site: result.site,
    result,
    compilation,
    warnings: diagnostics,
    layout: paths,
    executable,
    nameServers,
  };
}

/** The `-c` option, or the default place below `--root`. */
export function configPath(options: GlobalOptions): string {
  return resolve(options.config ?? `${rootPath(options)}/etc/mirror/config.json`);
}

/** The `--root` directory as a prefix for absolute paths: "" for the live system. */
export function rootPath(options: GlobalOptions): string {
  return options.root === undefined ? '' : resolve(options.root).replace(/\/$/, '');
}

/** The path this program was started by: what units call unless `settings.executable` says otherwise. */
export function runningEntry(): string {
  return resolve(process.argv[1] ?? '/usr/bin/mirror');
}

/**
 * Returns what a config does not say itself. The default place is the administrator's own, so that a link from there may
 * lead to a checkout elsewhere; any other path may be in a checkout that strangers contribute to.
 */
export function surroundingsOf(options: GlobalOptions): Surroundings {
  const target = options.config === undefined ? diskReader().realPath(configPath(options)) : null;
  return {
    node: hostname(),
    startedIn: process.cwd(),
    allowOutside: [...(options['allow-outside'] ?? []), ...(target === null ? [] : [dirname(target)])],
  };
}

function readConfig(reader: ConfigReader, path: string, surroundings: Surroundings): SiteResult {
  try {
    return readSite(reader, path, surroundings);
  } catch (error) {
    if (error instanceof ConfigFileError) throw new ExitError(error.code, error.message);
    throw error;
  }
}

function report(diagnostics: readonly Diagnostic[], json: boolean): void {
  if (diagnostics.length === 0) return;
  const text = json
    ? `${jsonText(toJson(diagnostics))}\n`
    : renderHuman(diagnostics, { color: wantsColor(process.stderr) });
  process.stderr.write(text);
}
