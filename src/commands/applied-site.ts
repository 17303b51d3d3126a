import { resolve } from 'node:path';
import { nearest } from '../diagnostics/suggest.js';
import { layout, siteLayout, type Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import type { PublishedPackage, SiteFile } from '../job/site-file.js';
import { readSiteFile } from '../state/site.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

/** What the last apply left: all that `status`, `history`, `logs` and `hold` need, without reading the config. */
export interface AppliedSite {
  readonly layout: Layout;
  readonly site: SiteFile;
}

/** Reads the applied site. Throws ExitError 66 when nothing was applied, 78 when another version of mirror wrote it. */
export function appliedSite(options: GlobalOptions): AppliedSite {
  const paths = layoutOf(options);
  let site: SiteFile | null;
  try {
    site = readSiteFile(paths);
  } catch (error) {
    throw new ExitError(EXIT.config, `mirror: ${(error as Error).message}`);
  }
  if (site === null) {
    throw new ExitError(
      EXIT.noInput,
      `mirror: nothing is applied here (no ${paths.siteFile}): run \`mirror apply\``,
    );
  }
  return { layout: siteLayout(paths.root, site.packages), site };
}

/** The layout below `--root`, or of the live system. */
export function layoutOf(options: GlobalOptions): Layout {
  return layout(options.root === undefined ? '' : resolve(options.root).replace(/\/$/, ''));
}

/** The named packages in the order named, or all when none is. Throws ExitError 66 for the first unknown id. */
export function selectPackages(site: SiteFile, ids: readonly string[]): readonly PublishedPackage[] {
  if (ids.length === 0) return site.packages;
  const byId = new Map(site.packages.map((pkg) => [pkg.id, pkg]));
  return [...new Set(ids)].map((id) => byId.get(id) ?? unknownPackage(id, [...byId.keys()]));
}

function unknownPackage(id: string, known: readonly string[]): never {
  const near = nearest(id, known);
  const help = near === null ? '' : `; did you mean \`${near}\`?`;
  throw new ExitError(EXIT.noInput, `mirror: no package \`${id}\` is applied here${help}`);
}
