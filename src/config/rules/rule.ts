import type { Finding, Place } from '../../diagnostics/diagnostic.js';
import type { Package, Settings } from '../../model/site.js';
import { pointer } from '../pointer.js';
import type { PackageConfig, SiteConfig } from '../types.generated.js';

/** A package that passed its schema, whichever machine it is for. */
export interface CheckedPackage {
  readonly pkg: Package;
  /** Merged, as written. */
  readonly config: PackageConfig;
  /** Machines that carry it; null: all. */
  readonly hosts: readonly string[] | null;
}

/** What rules look at: everything that passed its schema. */
export interface CheckedSite {
  readonly config: SiteConfig;
  /** The main file's directory. */
  readonly directory: string;
  readonly settings: Settings;
  readonly packages: readonly CheckedPackage[];
}

/** A check that the schema cannot make. Pure; findings point into the config as if it were one file. */
export type Rule = (site: CheckedSite) => readonly Finding[];

type Said = Pick<Finding, 'code' | 'message'> & { readonly help: string };

/** A mistake in a package; `path` leads from the package to the value. */
export function packageError(
  id: string,
  path: string,
  said: Said,
  target: Place['target'] = 'value',
): Finding {
  return { ...said, severity: 'error', place: { file: '', pointer: pointer('packages', id) + path, target } };
}

/** A risk in a package. */
export function packageWarning(
  id: string,
  path: string,
  said: Said,
  target: Place['target'] = 'value',
): Finding {
  return { ...packageError(id, path, said, target), severity: 'warning' };
}

/** A mistake outside the packages. */
export function siteError(path: string, said: Said, target: Place['target'] = 'value'): Finding {
  return { ...said, severity: 'error', place: { file: '', pointer: path, target } };
}

/** A risk outside the packages. */
export function siteWarning(path: string, said: Said, target: Place['target'] = 'value'): Finding {
  return { ...siteError(path, said, target), severity: 'warning' };
}

/** Whether two packages can be on one machine. */
export function shareMachine(a: CheckedPackage, b: CheckedPackage): boolean {
  return a.hosts === null || b.hosts === null || a.hosts.some((host) => b.hosts?.includes(host));
}
