import type { Package } from '../model/site.js';

interface Item {
  readonly pkg: Package;
}

/**
 * Tells each package which other packages' dst lie in its own (`Package.nested`), of those that `shareMachine` says are on
 * one machine. Trees within such a tree are not named again.
 */
export function withNested<T extends Item>(items: readonly T[], shareMachine: (a: T, b: T) => boolean): T[] {
  // With the slash, a directory comes right before what is in it.
  const sorted = items.map((item) => ({ item, key: `${item.pkg.dst}/` })).sort(byKey);
  const nested = new Map<T, string[]>();
  let around: { readonly item: T; readonly key: string }[] = [];
  for (const inner of sorted) {
    around = around.filter(({ key }) => inner.key.startsWith(key));
    for (const { item, key } of around) {
      if (key === inner.key || !shareMachine(item, inner.item)) continue;
      const path = inner.item.pkg.dst.slice(key.length);
      const known = nested.get(item) ?? [];
      if (!known.some((other) => path === other || path.startsWith(`${other}/`)))
        nested.set(item, [...known, path]);
    }
    around.push(inner);
  }
  if (nested.size === 0) return [...items];
  return items.map((item) => {
    const paths = nested.get(item);
    return paths === undefined ? item : { ...item, pkg: { ...item.pkg, nested: paths } };
  });
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
