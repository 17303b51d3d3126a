export const SITE_FORMAT = 'mirror/site/1';

/** A package as publishing needs it; secrets are redacted and URLs carry no credentials. */
export interface PublishedPackage {
  readonly id: string;
  readonly name: string;
  readonly href: string;
  readonly synctype: string;
  /** As the config has it: ISO 8601 duration, `PUSH` or ``. */
  readonly syncrate: string;
  readonly link: readonly { readonly rel: string; readonly href: string }[];
  readonly hidden: boolean;
  readonly disabled: boolean;
  readonly src: string;
  readonly dst: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Seconds without a success after which the package is stale; null when it has no schedule and no stale_after. */
  readonly stale_after: number | null;
}

/** `site.json`: what `publish` and `status` need to know about the site. */
export interface SiteFile {
  readonly format: typeof SITE_FORMAT;
  readonly mirrorname: string;
  readonly hostname: string;
  readonly node: string;
  readonly timezone: string;
  readonly statusfile: string;
  readonly statfile: string;
  /** Who publishes: `mirror publish` started as root drops to these. */
  readonly run_as: { readonly user: string | number; readonly group: string | number };
  readonly packages: readonly PublishedPackage[];
}
