import type { PackageConfig } from '../config/types.generated.js';
import type { PackageFinding } from '../methods/method.js';
import { DEFAULTS } from './defaults.js';
import { formatDuration } from './duration.js';
import type { SiteDefaults } from './normalize.js';
import { plainPath } from './path.js';
import { overlay, seconds, type Policy } from './normalize-policy.js';
import { parseSchedule, type ParsedSchedule } from './schedule.js';
import type { Package } from './site.js';
import { parseSource, type ParsedSource } from './source.js';

/** Options that became something else in the model, or are secret. */
const TAKEN_OUT = ['password', 'password_file', 'passwd'];

const DAY = 86400;

/** A package of the model, and what is wrong with its schedule. */
export interface NormalizedPackage {
  readonly pkg: Package;
  readonly findings: readonly PackageFinding[];
}

/**
 * Fills in one package. The config has passed its schema; `defaults` are the documented defaults of its method's options.
 */
export function normalizePackage(
  id: string,
  config: PackageConfig,
  site: SiteDefaults,
  defaults: Readonly<Record<string, unknown>>,
): NormalizedPackage {
  const { settings, policy: base } = site;
  const policy = overlay(base, config);
  const sources = sourcesOf(config.settings.src);
  const parsed = parseSchedule({
    syncrate: config.syncrate ?? '',
    schedule: config.schedule,
    synctime: config.synctime,
    phase: config.phase,
    window: config.window,
    push: config.push,
    id,
    node: site.node,
    zone: settings.localtimezone,
  });
  const options = (config.settings.options ?? {}) as Record<string, unknown>;
  const pkg: Package = {
    id,
    name: config.name ?? id,
    href: config.href ?? `/${id}`,
    synctype: config.synctype,
    syncrate: config.syncrate ?? impliedRate(parsed),
    schedule: parsed.schedule,
    interval: parsed.interval,
    push: parsed.push,
    minGap: policy.minGap,
    disabled: config.disabled ?? DEFAULTS.package.disabled,
    hidden: config.settings.hidden ?? DEFAULTS.package.hidden,
    link: (config.link ?? []).map(({ rel, href }) => ({ rel, href })),
    sources: sources.map(({ source }) => source),
    dst: plainPath(config.settings.dst),
    options: ownOptions(options, defaults),
    password: passwordOf(options, sources),
    retry: policy.retry,
    maxRuntime: policy.maxRuntime,
    firstSync: policy.firstSync,
    guard: policy.guard,
    keepDeleted: config.keep_deleted === undefined ? null : seconds(config.keep_deleted),
    precheck: precheckOf(config, options),
    freshness: freshnessOf(config),
    acceptExit: config.accept_exit ? withoutNotes(config.accept_exit) : {},
    staleAfter: staleAfter(policy, parsed),
    network: policy.network,
    env: policy.env,
    user: config.user ?? settings.uid,
    group: config.group ?? settings.gid,
    umask: policy.umask,
    sandbox: policy.sandbox,
    resources: policy.resources,
    keep: policy.keep,
    logLimit: policy.logLimit,
    renamedFrom: config.renamed_from ?? null,
  };
  return { pkg, findings: scheduleFindings(config, parsed) };
}

function sourcesOf(src: string | readonly string[] | undefined): ParsedSource[] {
  const texts = typeof src === 'string' ? [src] : (src ?? []);
  return texts.filter((text) => text !== '').map(parseSource);
}

/** What status files publish as the frequency of a package that has a schedule but no `syncrate`. */
function impliedRate(parsed: ParsedSchedule): string {
  if (parsed.interval !== null) return formatDuration(parsed.interval);
  return parsed.push ? 'PUSH' : '';
}

function ownOptions(
  options: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  // Not by a spread: V8 gives each object that grows from one a hidden class of its own, and all that reads it gets slower.
  const own: Record<string, unknown> = Object.assign({}, defaults);
  for (const key in options) {
    // Notes, among them `__proto__`: to assign that would be to inherit.
    if (!key.startsWith('_') && !TAKEN_OUT.includes(key)) own[key] = options[key];
  }
  return own;
}

/** A file wins: it is the better place, and a rule reports both. An empty password is mirror.py's default: none. */
function passwordOf(
  options: Readonly<Record<string, unknown>>,
  sources: readonly ParsedSource[],
): Package['password'] {
  if (typeof options.password_file === 'string') return { file: options.password_file };
  if (typeof options.password === 'string' && options.password !== '') return { literal: options.password };
  for (const [source, { password }] of sources.entries())
    if (password !== null) return { literal: password, source };
  return null;
}

/** `options.ffts` and `options.fftsfile` are mirror.py's spelling; `precheck.file` is ours and wins. */
function precheckOf(config: PackageConfig, options: Readonly<Record<string, unknown>>): Package['precheck'] {
  const legacy = options.ffts === true && typeof options.fftsfile === 'string' ? options.fftsfile : '';
  const file = config.precheck?.file ?? legacy;
  if (file === '') return null;
  return {
    file,
    fullEvery: seconds(config.precheck?.full_every ?? DEFAULTS.package.fullEvery),
    always: config.precheck?.always ?? [],
  };
}

function freshnessOf({ freshness }: PackageConfig): Package['freshness'] {
  const markers = freshness === undefined ? [] : Array.isArray(freshness) ? freshness : [freshness];
  return markers.map((marker) => ({
    file: marker.file,
    format: marker.format ?? DEFAULTS.package.freshnessFormat,
    maxAge: marker.max_age === undefined ? null : seconds(marker.max_age),
    monotonic: marker.monotonic ?? DEFAULTS.package.monotonic,
  }));
}

/** Three missed slots, but a day at least; a day for a package that is only pushed; never without a schedule. */
function staleAfter(policy: Policy, parsed: ParsedSchedule): number | null {
  if (policy.staleAfter !== null) return policy.staleAfter;
  if (parsed.interval !== null) return Math.max(DAY, 3 * parsed.interval);
  return parsed.push ? DAY : null;
}

function scheduleFindings(config: PackageConfig, parsed: ParsedSchedule): PackageFinding[] {
  const findings = parsed.problems.map(({ key, item, ...finding }): PackageFinding => ({
    ...finding,
    at: item === undefined ? `/${key}` : `/${key}/${String(item)}`,
  }));
  const { syncrate, schedule, synctime, push } = config;
  if (syncrate === undefined && schedule === undefined && synctime === undefined && push !== true) {
    findings.push({
      code: 'missing-key',
      severity: 'error',
      message: '`syncrate` is missing',
      help: 'a duration such as `"PT6H"`, `"PUSH"`, or `""` for a package that never runs by itself',
      at: '',
      target: 'key',
    });
  }
  return findings;
}

function withoutNotes(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !key.startsWith('_')));
}
