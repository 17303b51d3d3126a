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
  /** User whose realm the package's files lie in; not there: the site's own. */
  readonly user?: string | number;
}

/** Who hears of packages that keep failing; the webhook's URL is a secret and lies in a file of its own. */
export interface NotifyRule {
  readonly after_failures: number;
  readonly command: readonly string[] | null;
  readonly mail: string | null;
  readonly sendmail: string;
  readonly webhook: { readonly file: string } | null;
  /** Who sends: a unit of its own where the one who sees the need is in a sandbox, else `mirror publish`. */
  readonly sender: 'unit' | 'publish';
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
  /** Not there: nobody is told. */
  readonly notify?: NotifyRule;
  /** The control socket that `mirror daemon` makes; not there where another scheduler runs. */
  readonly socket?: {
    readonly uid: string | number;
    readonly gid: string | number;
    readonly mode: string;
  };
  readonly packages: readonly PublishedPackage[];
}
