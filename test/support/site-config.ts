/** Where a mirror that has a machine of its own keeps its files, as the manual's example has it; times in UTC. */
export const HOST_SETTINGS = {
  logfolder: '/var/log/mirror',
  webroot: '/var/www/mirror',
  statusfile: '/var/www/mirror/status.json',
  statfile: '/var/lib/mirror/stat.json',
  localtimezone: 'UTC',
} as const;

/** The same for a site in a directory (`--root`), which is given as real paths. */
export function settingsBelow(root: string): Record<keyof typeof HOST_SETTINGS, string> {
  return {
    logfolder: `${root}/log`,
    webroot: `${root}/www`,
    statusfile: `${root}/www/status.json`,
    statfile: `${root}/var/lib/mirror/stat.json`,
    localtimezone: 'UTC',
  };
}

/**
 * What a config.json holds: `packages` by id, the settings of such a mirror, and what the test says of `settings` and of
 * the `top` level, which wins.
 */
export function siteConfig(packages: object, settings: object = {}, top: object = {}): object {
  return {
    mirrorname: 'Example',
    hostname: 'mirror.example.edu',
    ...top,
    settings: { ...HOST_SETTINGS, ...settings },
    packages,
  };
}
