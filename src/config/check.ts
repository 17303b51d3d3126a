import { dirname } from 'node:path/posix';
import type { Finding } from '../diagnostics/diagnostic.js';
import { ID } from '../job/job.js';
import { methods } from '../methods/index.js';
import { normalizeSettings, type SiteDefaults } from '../model/normalize.js';
import { normalizePackage } from '../model/normalize-package.js';
import type { Package, Site } from '../model/site.js';
import { explainErrors, type Subject, type ValueFinding } from './explain.js';
import { findHazards } from './hazards/index.js';
import { inheritance, type Inheritance } from './inherit.js';
import { withoutUnusable } from './inherited-network.js';
import { escapeSegment } from './pointer.js';
import { withNested } from './nesting.js';
import { rules } from './rules/index.js';
import { shareMachine, type CheckedPackage } from './rules/rule.js';
import { methodNames, schemas } from './schema.js';
import { methodSchemas } from './schemas.generated.js';
import type { Definition, Sources } from './sources.js';
import type { PackageConfig, SiteConfig } from './types.generated.js';

/** What checking a config's value gives. */
export interface Checked {
  /** null when there are errors. */
  readonly site: Site | null;
  /** Every package that passed its schema, whichever machine it is for. */
  readonly packages: ReadonlyMap<string, Package>;
  readonly inherit: Inheritance | null;
  /** Places in packages are given as if all of them stood in the main file. */
  readonly findings: readonly Finding[];
}

/**
 * Validates, normalizes and applies the rules, as far as each part allows: an unknown key does not hide what else is
 * wrong. `node` is the machine's own name; `isStrict` adds warnings of hazards that sites may well want.
 */
export function check(sources: Sources, node: string, isStrict: boolean): Checked {
  const config = sources.main.value as SiteConfig;
  const inherit = inheritance(sources);
  const findings: Finding[] = [];
  const usable = report(explainErrors(schemas.site(config), 'site'), '', findings);
  checkDefaults(inherit, findings);
  const site = usable ? normalizeSettings(config.settings, node) : null;
  const packages: CheckedPackage[] = [];
  let unchecked = sources.packages.size;
  for (const definition of sources.packages.values()) {
    if (findings.length >= MAX_FINDINGS) {
      findings.push(notChecked(unchecked));
      break;
    }
    unchecked -= 1;
    const checked = checkPackage(definition, inherit.merged(definition), site, findings);
    if (checked) packages.push(checked);
  }
  findings.push(...inherit.findings());
  if (site) {
    if (sources.packages.size === 0 && config.include === undefined) findings.push(noPackages());
    const input = { config, directory: dirname(sources.main.path), settings: site.settings, packages };
    checkNested(packages, findings);
    for (const rule of Object.values(rules)) findings.push(...rule(input));
    findings.push(...findHazards(input, isStrict));
  }
  const failed = !site || findings.some(({ severity }) => severity === 'error');
  return {
    site: failed ? null : assemble(config, site, packages, sources.main.path),
    packages: new Map(packages.map(({ pkg }) => [pkg.id, pkg])),
    inherit,
    findings,
  };
}

/** Findings after which the check stops: more are of no use to a reader, and each takes time and memory. */
const MAX_FINDINGS = 10_000;

function notChecked(packages: number): Finding {
  return {
    code: 'too-many-findings',
    severity: 'error',
    message: `${packages} more packages were not checked after ${MAX_FINDINGS} findings`,
    help: 'correct those first, then validate again',
    place: { file: '', pointer: '/packages', target: 'key' },
  };
}

/** Takes findings over; false when the value cannot be used. */
function report(found: readonly ValueFinding[], base: string, findings: Finding[]): boolean {
  let usable = true;
  for (const { at, target, harmless, said, code, severity, message, help } of found) {
    usable &&= harmless;
    if (said) continue;
    const finding = { code, severity, message, ...(help === undefined ? {} : { help }) };
    findings.push({ ...finding, place: { file: '', pointer: base + at, target } });
  }
  return usable;
}

function checkDefaults(inherit: Inheritance, findings: Finding[]): void {
  const subject: Subject = 'defaults';
  for (const { layer, synctype, value } of inherit.entries) {
    const found = explainErrors(schemas.defaults(value, synctype), subject);
    report(found, layer.pointer, findings);
    if (
      layer.pointer.startsWith('/defaults/synctype/') &&
      synctype !== null &&
      !methodNames().includes(synctype)
    ) {
      findings.push({
        code: 'unknown-method',
        severity: 'error',
        message: `unknown sync method \`${synctype}\``,
        help: `one of ${[...methodSchemas.keys()].map((name) => `\`${name}\``).join(', ')}`,
        place: { file: '', pointer: layer.pointer, target: 'key' },
      });
    }
  }
}

function checkPackage(
  { id, raw }: Definition,
  value: unknown,
  site: SiteDefaults | null,
  findings: Finding[],
): CheckedPackage | null {
  const base = `/packages/${escapeSegment(id)}`;
  if (!ID.test(id)) findings.push(badId(id, base));
  const mistakes = explainErrors(schemas.package(value), 'package');
  if (!report(mistakes, base, findings) || !site) return null;
  const config = value as PackageConfig;
  const { pkg: asked, findings: own } = normalizePackage(id, config, site, optionDefaults(config.synctype));
  const method = methods.get(asked.synctype);
  const { pkg, findings: said } = withoutUnusable(asked, raw, method?.check(asked) ?? []);
  for (const { at, target, ...finding } of [...own, ...said]) {
    // `syncrate` that is missing because it is misspelt has been reported.
    if (finding.code === 'missing-key' && mistakes.some(({ guess }) => guess === 'syncrate')) continue;
    findings.push({ ...finding, place: { file: '', pointer: base + at, target: target ?? 'value' } });
  }
  return { pkg, config, hosts: config.hosts ?? null };
}

/** What keeps a method from leaving another package's tree below its dst alone, on any machine that has both. */
function checkNested(packages: readonly CheckedPackage[], findings: Finding[]): void {
  for (const { pkg } of withNested(packages, shareMachine)) {
    if (pkg.nested === undefined) continue;
    const base = `/packages/${escapeSegment(pkg.id)}`;
    for (const { at, target, ...finding } of methods.get(pkg.synctype)?.checkNested?.(pkg) ?? [])
      findings.push({ ...finding, place: { file: '', pointer: base + at, target: target ?? 'value' } });
  }
}

function assemble(
  config: SiteConfig,
  { settings, node }: SiteDefaults,
  checked: readonly CheckedPackage[],
  configPath: string,
): Site {
  const here = checked.filter(({ hosts }) => hosts === null || hosts.includes(node));
  return {
    mirrorname: config.mirrorname,
    hostname: config.hostname,
    node,
    configPath,
    settings,
    packages: withNested(here, () => true).map(({ pkg }) => pkg),
  };
}

const optionDefaultsCache = new Map<string, Readonly<Record<string, unknown>>>();

/** Documented defaults of a method's options. */
export function optionDefaults(synctype: string): Readonly<Record<string, unknown>> {
  let defaults = optionDefaultsCache.get(synctype);
  if (!defaults) {
    const properties = Object.entries(methodSchemas.get(synctype)?.properties ?? {});
    defaults = Object.fromEntries(
      properties
        .filter(([, { default: value }]) => value !== undefined)
        .map(([key, schema]) => [key, schema.default]),
    );
    optionDefaultsCache.set(synctype, defaults);
  }
  return defaults;
}

function badId(id: string, base: string): Finding {
  const shown = id.length > 60 ? `${id.slice(0, 59)}…` : id;
  return {
    code: 'bad-id',
    severity: 'error',
    message: `\`${shown}\` cannot be a package's id`,
    help: 'letters, digits, `.`, `_`, `+` and `-`, at most 64, the first one a letter or digit',
    place: { file: '', pointer: base, target: 'key' },
  };
}

function noPackages(): Finding {
  return {
    code: 'no-packages',
    severity: 'error',
    message: 'the site has no packages',
    help: 'add `packages`, or files with `include`',
    place: { file: '', pointer: '', target: 'value' },
  };
}
