import { nearest } from '../diagnostics/suggest.js';
import type { Finding } from '../diagnostics/diagnostic.js';
import { appended, merge, type Layer } from './merge.js';
import { pointer } from './pointer.js';
import { isObject, member, type Definition, type Sources } from './sources.js';

/** A part of `defaults`, to be validated on its own because no package may use it. */
export interface DefaultsEntry {
  readonly layer: Layer;
  /** The method whose options it may hold; null: any. */
  readonly synctype: string | null;
  /** Merged with nothing: lists to append are lists. */
  readonly value: unknown;
}

/** Inheritance of one config: `defaults.all` < `defaults.synctype` < the sets of `use` in order < the package. */
export interface Inheritance {
  readonly entries: readonly DefaultsEntry[];
  /** A package with everything it inherits; not yet validated. */
  readonly merged: (definition: Definition) => unknown;
  /** What it is merged from: from the weakest default to the package's own text. */
  readonly layers: (definition: Definition) => readonly Layer[];
  /** Sets that packages name but `defaults` lacks, and sets that nobody names. */
  readonly findings: () => Finding[];
}

/** What is merged so far, and from which layers. */
interface Base {
  readonly value: unknown;
  readonly layers: readonly Layer[];
}

const EMPTY: Base = { value: undefined, layers: [] };

/** Each says when a package runs: a layer that has one of them means it instead of what weaker layers say by another. */
const TIMING = ['schedule', 'synctime', 'syncrate'];

/** Prepares the inheritance; merged defaults are shared by the packages that take the same ones. */
export function inheritance(sources: Sources): Inheritance {
  const { main } = sources;
  const defaults = member(main.value, 'defaults');
  const layer = (...path: string[]): Layer | null => {
    const value = path.reduce(member, defaults);
    const label = `defaults.${path.join('.')}`;
    const isNote = path.at(-1)?.startsWith('_') === true;
    return isObject(value) && !isNote
      ? { label, file: main.path, pointer: pointer('defaults', ...path), value }
      : null;
  };
  const keys = (kind: string): string[] => {
    const value = member(defaults, kind);
    return isObject(value) ? Object.keys(value).filter((name) => !name.startsWith('_')) : [];
  };
  const entries = [
    entry(layer('all'), null),
    ...keys('synctype').map((name) => entry(layer('synctype', name), name)),
    ...keys('sets').map((name) => entry(layer('sets', name), null)),
  ].filter((item) => item !== null);
  const used = new Set<string>();
  const findings: Finding[] = [];
  const bases = new Map<string, Base>();

  const base = (synctype: string, sets: readonly string[]): Base => {
    const key = JSON.stringify([synctype, ...sets]);
    let found = bases.get(key);
    if (!found) {
      const candidates = [
        layer('all'),
        layer('synctype', synctype),
        ...sets.map((set) => layer('sets', set)),
      ];
      found = candidates.filter((candidate) => candidate !== null).reduce(put, EMPTY);
      bases.set(key, found);
    }
    return found;
  };

  return {
    entries,
    merged: ({ id, raw, document }) => {
      if (entries.length === 0 && member(raw, 'use') === undefined) {
        return document.appends ? merge(undefined, raw) : raw;
      }
      for (const [index, set] of uses(raw).entries()) {
        if (typeof set !== 'string') continue;
        used.add(set);
        if (!layer('sets', set)) findings.push(unknownSet(id, index, set, keys('sets')));
      }
      const sets = names(raw);
      return merge(besides(base(synctypeOf(raw, sets, layer), sets).value, raw), raw);
    },
    layers: ({ id, raw, document, pointer: at }) => {
      const sets = names(raw);
      const own: Layer = { label: `packages.${id}`, file: document.path, pointer: at, value: raw };
      return put(base(synctypeOf(raw, sets, layer), sets), own).layers;
    },
    findings: () => [
      ...findings,
      ...keys('sets')
        .filter((set) => !used.has(set))
        .map((set) => unusedSet(main.path, set)),
    ],
  };
}

/** A layer over what it inherits. */
function put({ value, layers }: Base, over: Layer): Base {
  const kept = layers.map((layer) => ({ ...layer, value: besides(layer.value, over.value) }));
  return { value: merge(besides(value, over.value), over.value), layers: [...kept, over] };
}

/** What stays of an inherited value beside the one that is put over it. */
function besides(inherited: unknown, over: unknown): unknown {
  const isIn = (value: unknown, key: string): boolean => member(value, key) !== undefined;
  const rivals = TIMING.filter((key) => isIn(inherited, key) && !isIn(over, key));
  if (rivals.length === 0 || !TIMING.some((key) => isIn(over, key))) return inherited;
  return Object.fromEntries(Object.entries(inherited as object).filter(([key]) => !rivals.includes(key)));
}

function entry(layer: Layer | null, synctype: string | null): DefaultsEntry | null {
  return layer && { layer, synctype, value: merge(undefined, layer.value) };
}

function names(raw: unknown): string[] {
  return uses(raw).filter((set) => typeof set === 'string');
}

/** What a package has as `use`; nothing is inherited to append to. */
function uses(raw: unknown): readonly unknown[] {
  const use = member(raw, 'use');
  return appended(use) ?? (Array.isArray(use) ? (use as unknown[]) : []);
}

/** The method decides which defaults apply, and may itself be inherited. */
function synctypeOf(
  raw: unknown,
  sets: readonly string[],
  layer: (...path: string[]) => Layer | null,
): string {
  const candidates = [raw, ...sets.map((set) => layer('sets', set)?.value).reverse(), layer('all')?.value];
  const synctype = candidates.map((value) => member(value, 'synctype')).find((value) => value !== undefined);
  return typeof synctype === 'string' ? synctype : '';
}

function unknownSet(id: string, index: number, set: string, known: readonly string[]): Finding {
  const guess = nearest(set, known);
  const help = guess === null ? 'define it below `defaults.sets`' : `did you mean \`${guess}\`?`;
  return {
    code: 'unknown-set',
    severity: 'error',
    message: `no set \`${set}\` in \`defaults.sets\``,
    help,
    place: { file: '', pointer: pointer('packages', id, 'use', index), target: 'value' },
  };
}

function unusedSet(file: string, set: string): Finding {
  return {
    code: 'unused-set',
    severity: 'warning',
    message: `no package uses the set \`${set}\``,
    help: `name it in a package: \`"use": ["${set}"]\`, or remove it`,
    place: { file, pointer: pointer('defaults', 'sets', set), target: 'key' },
  };
}
