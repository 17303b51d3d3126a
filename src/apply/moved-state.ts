import { siteLayout, type Layout } from '../job/layout.js';
import type { SiteFile } from '../job/site-file.js';
import { renamed, type Intent } from '../plan/assemble.js';
import type { Manifest } from '../plan/plan.js';
import type { Reader } from '../system/system.js';
import { readJson } from './read-json.js';

/** Packages whose state an apply carries to other paths. */
export interface MovedState {
  /** Where the state lies now. */
  readonly before: Layout;
  /** Old id and new id, which are the same where only the realm is another. */
  readonly moves: readonly (readonly [string, string])[];
}

/** Finds the packages that this apply renames, and those that it moves to another realm because of another user. */
export function findMovedState(
  { site, layout }: Pick<Intent, 'site' | 'layout'>,
  manifest: Manifest,
  system: Reader,
): MovedState {
  const applied = readJson(layout.siteFile, system) as Partial<SiteFile> | null;
  const before = siteLayout(layout.root, Array.isArray(applied?.packages) ? applied.packages : []);
  const elsewhere = site.packages.flatMap(({ id }): [string, string][] =>
    before.realm(id) !== layout.realm(id) && layout.job(id) in manifest.entries ? [[id, id]] : [],
  );
  return { before, moves: [...renamed(site, layout, manifest), ...elsewhere] };
}
