import type { Diagnostic, Finding, Place } from '../diagnostics/diagnostic.js';
import { ordered } from '../diagnostics/order.js';
import { POLICY_KEYS } from '../model/normalize-policy.js';
import type { Package, Site } from '../model/site.js';
import type { Permission } from './bounds.js';
import { check, type Checked } from './check.js';
import { kindOf } from './explain.js';
import { effectiveValues, type EffectiveValue } from './effective.js';
import { origin, type Layer } from './merge.js';
import { pointer, segments } from './pointer.js';
import type { ConfigReader } from './reader.js';
import { withoutCredentials } from './secret-text.js';
import { isObject, member, readSources, type Sources } from './sources.js';

export { ConfigFileError, diskReader, MAX_BYTES, tooLarge, type ConfigReader } from './reader.js';
export { matchesGlob } from './glob.js';
export type { EffectiveValue, ValueOrigin } from './effective.js';

/** A config, read and checked. */
export interface SiteResult {
  /** null when there is an error among the diagnostics. */
  readonly site: Site | null;
  /** What was read: the main file, then those that it includes. */
  readonly files: readonly string[];
  /** Located, sorted, each once. */
  readonly diagnostics: readonly Diagnostic[];
  /** Where a package's value stands, which may be an included file or `defaults`; `path` leads into the package. */
  place(id: string, path: string, target: Place['target']): Place;
  /** Gives later findings (of compilers, methods, schedulers) their position in the text. */
  locate(findings: readonly Finding[]): Diagnostic[];
  /** A package of any machine as normalized, or null: unknown, or with errors of its own. */
  package(id: string): Package | null;
  /** Every effective value of a package with its origin; null for a package that `package` does not know. */
  explain(id: string): readonly EffectiveValue[] | null;
}

/** What a config does not say itself: this machine's own name among `hosts`, and what the operator says. */
export interface Surroundings extends Permission {
  readonly node: string;
  /** Warn also of hazards that sites may well want. Default false. */
  readonly isStrict?: boolean;
}

/**
 * Reads and checks a site's config: main file, includes, inheritance, schema, rules. What is wrong with the content is
 * among the diagnostics; a file that cannot be read throws ConfigFileError (66).
 */
export function readSite(reader: ConfigReader, path: string, surroundings: Surroundings): SiteResult {
  const { node, isStrict = false } = surroundings;
  const sources = readSources(reader, path, surroundings);
  const checked = isObject(sources.main.value) ? check(sources, node, isStrict) : nothing(sources);
  const locate = (findings: readonly Finding[]): Diagnostic[] =>
    ordered(unique(findings, sources, checked).map((finding) => withSpan(finding, sources)));
  const diagnostics = ordered([...sources.diagnostics.map(withoutPasswords), ...locate(checked.findings)]);
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  return {
    site: failed ? null : checked.site,
    files: [...sources.documents.keys()],
    diagnostics,
    place: (id, at, target) =>
      resolve({ file: path, pointer: pointer('packages', id) + at, target }, sources, checked),
    locate,
    package: (id) => checked.packages.get(id) ?? null,
    explain: (id) => {
      const pkg = checked.packages.get(id);
      return pkg ? effectiveValues(pkg, sources, layersOf(id, sources, checked)) : null;
    },
  };
}

/** A main file that is no object: its syntax errors, or that it is something else. */
function nothing({ main }: Sources): Checked {
  if (main.value === undefined) return { site: null, packages: new Map(), inherit: null, findings: [] };
  const finding: Finding = {
    code: 'wrong-type',
    severity: 'error',
    message: `expected an object, but this is ${kindOf(main.value, '')}`,
    help: 'a config starts as `{ "mirrorname": …, "hostname": …, "settings": { … } }`',
    place: { file: main.path, pointer: '', target: 'value' },
  };
  return { site: null, packages: new Map(), inherit: null, findings: [finding] };
}

/** Findings at their real places, each once: ten thousand packages that inherit one mistake make one. */
function unique(findings: readonly Finding[], sources: Sources, checked: Checked): Finding[] {
  const seen = new Map<string, Finding>();
  for (const finding of findings) {
    const place = finding.place && resolve(finding.place, sources, checked);
    const key = JSON.stringify([place?.file, place?.pointer, place?.target, finding.code, finding.message]);
    if (!seen.has(key)) seen.set(key, place ? { ...finding, place } : finding);
  }
  return [...seen.values()];
}

function withSpan(finding: Finding, sources: Sources): Diagnostic {
  const { place } = finding;
  const span = place && sources.documents.get(place.file)?.locate(place.pointer, place.target);
  return withoutPasswords(span ? { ...finding, span } : finding);
}

/** The last station of every diagnostic, whoever made it: nobody's message shows a password. */
function withoutPasswords(diagnostic: Diagnostic): Diagnostic {
  const { message, help } = diagnostic;
  return {
    ...diagnostic,
    message: clip(withoutCredentials(message)),
    ...(help === undefined ? {} : { help: clip(withoutCredentials(help)) }),
  };
}

/** A message that quotes a long name or value. */
function clip(text: string): string {
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE - 1)}…` : text;
}

const LONGEST_MESSAGE = 2000;

/** From "as if all packages stood in the main file" to the file and value that a person would edit. */
function resolve(place: Place, sources: Sources, checked: Checked): Place {
  const { path } = sources.main;
  if (place.file !== '' && place.file !== path) return place;
  const [first, id, ...rest] = segments(place.pointer);
  const inherited = first === 'packages' && id !== undefined ? layersOf(id, sources, checked) : [];
  const own = inherited.at(-1);
  if (!own) return { ...place, file: path };
  const layers = [settingsLayer(sources), ...inherited];
  // What is not there is shown as what would hold it.
  for (let path = rest; ; path = path.slice(0, -1)) {
    const found = origin(layers, path);
    const target = path.length === rest.length ? place.target : 'key';
    if (found) return { file: found.file, pointer: found.pointer, target };
    if (path.length === 0) return { file: own.file, pointer: own.pointer, target: 'key' };
  }
}

/** What `settings` says for every package under the names that packages use. */
function settingsLayer({ main }: Sources): Layer {
  const settings = member(main.value, 'settings');
  const policies = POLICY_KEYS.filter((key) => member(settings, key) !== undefined);
  const value = Object.fromEntries(policies.map((key) => [key, member(settings, key)]));
  return { label: 'settings', file: main.path, pointer: '/settings', value };
}

function layersOf(id: string, sources: Sources, checked: Checked): readonly Layer[] {
  const definition = sources.packages.get(id);
  return definition && checked.inherit ? checked.inherit.layers(definition) : [];
}
