/**
 * Names in dst that are never upstream's. No method fetches, deletes or fails on what has one of them. This is the only
 * list: each method writes it in the grammar of its tool.
 */

/**
 * Directories that a file system or its snapshots put into every mounted directory, at any depth: a dst may have other file
 * systems below it. `lost+found` is of ext4 (mke2fs(8)), `.zfs` of ZFS (zfsprops(7), `snapdir`), `.snapshot` of NetApp's
 * and other NFS servers, `.snapshots` of btrfs with snapper(8).
 */
export const FILE_SYSTEMS_OWN: readonly string[] = ['lost+found', '.zfs', '.snapshot', '.snapshots'];

/** mirror's own directory at the top of dst, for what a run deletes or replaces. Only its user may look into it. */
export const OWN_DIRECTORY = '.~mirror~';

/** Where rsync --delay-updates keeps new files until the end; what a killed rsync leaves there may be deleted. */
export const DELAYED_DIRECTORY = '.~tmp~';

/** Directory in dst for images in the making, so that they need not cross disks to their place. */
export const JIGDO_DIRECTORY = '.~jigdo~';

/** All of them as `explain` shows them: a `/` in front means at the top of dst only. */
export const NEVER_UPSTREAM: readonly string[] = [
  ...FILE_SYSTEMS_OWN.map((name) => `${name}/`),
  `/${OWN_DIRECTORY}/`,
];

/** Regular expression of the paths of `NEVER_UPSTREAM`, for tools and lists that write a `/` behind a directory. */
export const NEVER_UPSTREAM_EXPRESSION = String.raw`(^|/)(lost\+found|\.zfs|\.snapshots?)(/|$)|^\.~mirror~(/|$)`;

const EXPRESSION = new RegExp(NEVER_UPSTREAM_EXPRESSION);

/** Whether a path relative to dst is, or lies in, one of these. */
export function isNeverUpstream(path: string): boolean {
  return EXPRESSION.test(path);
}

/** The same for a shell script that splits its words at blanks: neither sent by upstream nor deleted here. */
export function rsyncFiltersOfScript(): string[] {
  return NEVER_UPSTREAM.flatMap((pattern) => [`--filter=P_${pattern}`, `--filter=H_${pattern}`]);
}

/** The same as first words of an rsync: of its filters the first that matches decides. */
export function rsyncFilters(words: readonly string[]): string[] {
  return [
    ...NEVER_UPSTREAM.map((pattern) => `--exclude=${pattern}`),
    // This option takes the protection away from all excludes, but not from `P` rules.
    ...(words.includes('--delete-excluded') ? NEVER_UPSTREAM.map((pattern) => `--filter=P ${pattern}`) : []),
  ];
}
