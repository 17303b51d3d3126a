/** What an upstream asks of its mirrors about how often they sync. */
export interface Upstream {
  readonly name: string;
  /** Matches a package's id or the last part of its source's path. */
  readonly pattern: RegExp;
  /** Shortest interval in seconds. */
  readonly minimum: number;
  /** Shortest interval with a precheck, where the upstream makes the difference. */
  readonly withPrecheck?: number;
  /** What its rules say. */
  readonly says: string;
  readonly source: string;
}

const HOUR = 3600;

/** From the mirror rules of each project, read in 2025 and 2026. */
export const UPSTREAMS: readonly Upstream[] = [
  {
    name: 'Arch Linux',
    pattern: /^arch(linux)?$/i,
    minimum: HOUR,
    says: 'sync at most once an hour',
    source: 'https://wiki.archlinux.org/title/DeveloperWiki:NewMirrors',
  },
  {
    name: 'Alpine Linux',
    pattern: /^alpine(linux)?$/i,
    minimum: HOUR,
    says: 'sync once an hour',
    source: 'https://wiki.alpinelinux.org/wiki/How_to_setup_a_Alpine_Linux_mirror',
  },
  {
    name: 'Rocky Linux',
    pattern: /^rocky(-?linux)?$/i,
    minimum: 4 * HOUR,
    withPrecheck: HOUR,
    says: 'about six times a day; hourly only after a check of the file list',
    source: 'https://docs.rockylinux.org/guides/mirror_management/add_mirror_manager/',
  },
  {
    name: 'AlmaLinux',
    pattern: /^alma(-?linux)?$/i,
    minimum: 3 * HOUR,
    says: 'sync every three hours',
    source: 'https://wiki.almalinux.org/Mirrors.html',
  },
  {
    name: 'CTAN',
    pattern: /^ctan$/i,
    minimum: 24 * HOUR,
    says: 'sync once a day',
    source: 'https://ctan.org/mirrors/register',
  },
  {
    name: 'CPAN',
    pattern: /^cpan$/i,
    minimum: 12 * HOUR,
    says: 'run rsync once or twice a day',
    source: 'https://www.cpan.org/misc/how-to-mirror.html',
  },
  {
    name: 'Gentoo',
    pattern: /^gentoo(-distfiles)?$/i,
    minimum: 4 * HOUR,
    says: 'sync every four hours',
    source: 'https://wiki.gentoo.org/wiki/Project:Infrastructure/Source_mirrors',
  },
  {
    name: 'Tails',
    pattern: /^tails$/i,
    minimum: HOUR,
    says: 'sync once an hour',
    source: 'https://tails.net/contribute/how/mirror/',
  },
  {
    name: 'Qubes OS',
    pattern: /^qubes(-?os)?$/i,
    minimum: 6 * HOUR,
    says: 'sync once a day, every six hours at most',
    source: 'https://www.qubes-os.org/downloads/mirrors/',
  },
];
