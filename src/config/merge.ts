import { escapeSegment } from './pointer.js';
import { isObject, member } from './sources.js';

/**
 * A value over the one it inherits: objects merge, lists and everything else replace, `{"append": […]}` adds to the
 * inherited list, and text is a list of one there. Returns `over` itself where there is nothing to merge.
 */
export function merge(base: unknown, over: unknown): unknown {
  const added = appended(over);
  if (added) return Array.isArray(base) || typeof base === 'string' ? [base, added].flat() : added;
  if (!isObject(over)) return over;
  const merged: Record<string, unknown> = isObject(base) ? { ...base } : {};
  for (const key of Object.keys(over)) {
    // An own key of this name is possible in JSON; to assign it would change the prototype instead.
    if (key !== '__proto__') merged[key] = merge(member(merged, key), over[key]);
  }
  return merged;
}

/** The items of an `{"append": […]}` object, or null. */
export function appended(value: unknown): readonly unknown[] | null {
  if (!isObject(value) || !Array.isArray(value.append)) return null;
  const others = Object.keys(value).filter((key) => key !== 'append' && !key.startsWith('_'));
  return others.length === 0 ? value.append : null;
}

/** Something a package inherits from, or the package itself: a value of a document. */
export interface Layer {
  /** For people: `defaults.all`, `packages.debian`. */
  readonly label: string;
  readonly file: string;
  readonly pointer: string;
  readonly value: unknown;
}

/**
 * Where a merged value came from: the layer and the pointer in its document. `layers` go from weak to strong, `path`
 * leads into the merged value. Null when no layer has it.
 */
export function origin(layers: readonly Layer[], path: readonly string[]): Layer | null {
  const present = layers.filter((layer) => layer.value !== undefined);
  const top = present.at(-1);
  if (!top) return null;
  const [key, ...rest] = path;
  if (key === undefined) return top;
  const list = items(present);
  if (list) {
    const item = list[Number(key)];
    return item ? origin([item], rest) : null;
  }
  const objects = present.slice(present.findLastIndex((layer) => !isObject(layer.value)) + 1);
  return origin(
    objects.map((layer) => child(layer, key)),
    rest,
  );
}

/** The items of a merged list, each as a layer of its own; null when the merged value is no list. */
function items(layers: readonly Layer[]): Layer[] | null {
  let list: Layer[] = [];
  let isList = false;
  for (const layer of layers) {
    const added = appended(layer.value);
    const values: unknown = added ?? layer.value;
    isList = Array.isArray(values);
    if (!Array.isArray(values)) {
      list = typeof values === 'string' ? [layer] : [];
      continue;
    }
    const base: Layer = added ? child(layer, 'append') : layer;
    const own = values.map((_, index) => child(base, String(index)));
    list = added ? [...list, ...own] : own;
  }
  return isList ? list : null;
}

function child(layer: Layer, key: string): Layer {
  const value = Array.isArray(layer.value)
    ? (layer.value as unknown[])[Number(key)]
    : member(layer.value, key);
  return { ...layer, pointer: `${layer.pointer}/${escapeSegment(key)}`, value };
}
