import type { PublishedPackage, SiteFile } from '../../job/site-file.js';
import type { PackageState } from '../package-state.js';
import type { View } from '../status.js';

/** A package as an output sees it. */
export interface Published {
  readonly pkg: PublishedPackage;
  readonly state: PackageState;
  readonly view: View;
}

/** A file that `publish` keeps current. Adding one is a file here and a line in `index.ts`. */
export interface Output {
  readonly name: string;
  path(site: SiteFile): string;
  /** Octal mode, or null: as the file that is there, else 0644. */
  readonly mode: number | null;
  /** The whole file; pure. `now` in epoch ms. Public outputs leave hidden packages out. */
  render(site: SiteFile, packages: readonly Published[], now: number): string;
}
