/* Written by `npm run generate` from schemas/. */

/**
 * How old upstream itself is: its time marker, read after each run, or several markers, of which the oldest counts. An old one makes the package stale though it synced.
 *
 * @minItems 1
 */
export type Freshness =
  | {
      /**
       * The file that holds upstream's time.
       */
      file: string;
      /**
       * How it tells the time.
       */
      format?: 'epoch' | 'date' | 'trace' | 'release' | 'manjaro' | 'repomd' | 'mtime';
      /**
       * Oldest time that still counts as fresh; default any.
       */
      max_age?: string;
      /**
       * Whether its time must not go backwards.
       */
      monotonic?: boolean;
    }
  | [Freshness1, ...Freshness1[]];
/**
 * Sync in stages, so that who reads the mirror through its index never misses a file: packages first, the index when all of them are there and upstream has not changed meanwhile, deletions last. `debian`, `ubuntu`: archives of apt; `rpm`: trees with repodata; or your own patterns.
 */
export type StageSetDebianUbuntuOrRpmOrASetOfYourOwn =
  | string
  | {
      /**
       * Patterns (as for rsync's --exclude) of the files that name others; one that ends in `/` is a whole directory. One that starts with `/` spares a walk of the whole tree.
       *
       * @minItems 1
       *
       * Items: A pattern as for rsync's --exclude; no rule prefix (`+ `, `- `), no `!`.
       */
      index: [string, ...string[]];
      /**
       * Of these, patterns of what may come with the packages, because nothing overwrites it.
       *
       * Items: A pattern as for rsync's --exclude; no rule prefix (`+ `, `- `), no `!`.
       */
      early?: string[];
      /**
       * Of these, patterns (with `*`, `**` and `?`) of what is published after the rest of the index, in this order, because it names it.
       *
       * Items: A pattern as for rsync's --exclude; no rule prefix (`+ `, `- `), no `!`.
       */
      last?: string[];
    };

/**
 * The config of a mirror site: a superset of mirror.py's config.json.
 */
export interface SiteConfig {
  /**
   * Where an editor finds this schema; ignored.
   */
  $schema?: string;
  /**
   * Name of the mirror, shown to people.
   */
  mirrorname: string;
  /**
   * Public name of the mirror, in DNS.
   */
  hostname: string;
  /**
   * Files with more packages, each `{ "<id>": { … } }`: paths relative to this file and below its directory, with `*` and `?`.
   *
   * Items: One path or pattern.
   */
  include?: string[];
  defaults?: Defaults;
  settings: Settings;
  /**
   * The packages by id.
   */
  packages?: {
    [k: string]: PackageConfig;
  };
  /**
   * @deprecated
   * Ignored: git knows when the config changed.
   */
  lastsettingmodified?: number | string;
}
/**
 * Values that packages inherit. Objects merge, lists replace, `{"append": […]}` adds.
 */
export interface Defaults {
  /**
   * For every package.
   */
  all?: {
    [k: string]: unknown;
  };
  /**
   * For every package of a sync method, by the method's name.
   */
  synctype?: {
    [k: string]: {
      [k: string]: unknown;
    };
  };
  /**
   * By name, for packages that list the name in `use`.
   */
  sets?: {
    [k: string]: {
      [k: string]: unknown;
    };
  };
}
/**
 * The site's own settings, and what packages fall back to.
 */
export interface Settings {
  /**
   * What starts the syncs; `daemon` is `mirror daemon`, for machines with neither systemd nor cron (containers).
   */
  scheduler?: 'systemd' | 'crontab' | 'daemon';
  systemd?: Systemd;
  /**
   * The `mirror` program that units and cron lines call; default the one that is running.
   */
  executable?: string;
  /**
   * This machine's name among `hosts`; default its host name.
   */
  node?: string;
  /**
   * Directory of the logs.
   */
  logfolder: string;
  /**
   * Directory that the web server shows.
   */
  webroot: string;
  /**
   * Public status file, for the web.
   */
  statusfile: string;
  /**
   * Status file with everything, not public.
   */
  statfile: string;
  /**
   * User that runs the syncs.
   */
  uid?: string | number;
  /**
   * Group that runs the syncs.
   */
  gid?: string | number;
  /**
   * IANA time zone of wall-clock schedules, log names and log lines.
   */
  localtimezone: string;
  /**
   * mirror.py's name for `retry.delay`, in seconds.
   */
  errorcontinuetime?: number;
  limits?: Limits;
  maintainer?: Maintainer;
  logger?: Logger;
  ftpsync?: Ftpsync;
  /**
   * mirror.py's plug-ins by name; its old list of paths is ignored.
   */
  plugins?:
    | {
        [k: string]: PlugIn;
      }
    | unknown[];
  socket?: Socket;
  notify?: Notify;
  /**
   * Site's default of a package's `min_gap`.
   */
  min_gap?: string;
  retry?: Retry;
  /**
   * Site's default of a package's `max_runtime`.
   */
  max_runtime?: string;
  first_sync?: FirstSync;
  guard?: Guard;
  /**
   * Site's default of a package's `stale_after`.
   */
  stale_after?: string;
  network?: Network;
  env?: Environment;
  /**
   * Site's default of a package's `umask`.
   */
  umask?: string;
  /**
   * Site's default of a package's `sandbox`.
   */
  sandbox?: 'strict' | 'standard' | 'off';
  resources?: Resources;
}
/**
 * About the machine's systemd.
 */
export interface Systemd {
  /**
   * Newest systemd version whose settings may be used.
   */
  version?: number;
}
/**
 * How many syncs run at once.
 */
export interface Limits {
  /**
   * Most syncs at once; 0 for no limit.
   */
  concurrent?: number;
  /**
   * Most syncs at once from one upstream host; 0 for no limit.
   */
  per_upstream?: number;
  /**
   * One-minute load average above which no sync starts; default no limit.
   */
  load_max?: number;
}
/**
 * Who runs the mirror; for people and for methods that tell upstream.
 */
export interface Maintainer {
  /**
   * Name of a person or team.
   */
  name?: string;
  /**
   * Address to write to.
   */
  email?: string;
}
/**
 * Logs of mirror and of the syncs.
 */
export interface Logger {
  /**
   * Least level of the messages in the site's own log.
   */
  level?: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';
  /**
   * Least level of a sync's messages on the console.
   */
  packagelevel?: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';
  /**
   * A line of the site's own log, in Python's %-style; its message begins with the package's id.
   */
  format?: string;
  /**
   * A line of a sync's messages, in Python's %-style, with {package}.
   */
  packageformat?: string;
  fileformat?: SiteLogFormat;
  packagefileformat?: FileFormat;
  keep?: Keep;
  /**
   * Most bytes of one sync's log. A tool that writes more is ended, and the log keeps its beginning.
   */
  max_size?: string;
}
/**
 * Where the site's own log goes. Fields as in `packagefileformat`; they stand for the midnight before a line, so that a log whose name has a date begins anew each day.
 */
export interface SiteLogFormat {
  /**
   * Directory of the log; default `logfolder`.
   */
  base?: string;
  /**
   * Directory below `base`, with fields.
   */
  folder?: string;
  /**
   * Name of the file, with fields.
   */
  filename?: string;
  /**
   * Compress what logrotate has put aside; it is asked to by setup, where the name has no fields.
   */
  gzip?: boolean;
}
/**
 * Where a log file goes. Fields: {year} {month} {day} {hour} {minute} {second} {microsecond} {packageid}.
 */
export interface FileFormat {
  /**
   * Directory of the logs; default `packages` in `logfolder`.
   */
  base?: string;
  /**
   * Directory below `base`, with fields.
   */
  folder?: string;
  /**
   * Name of the file, with fields.
   */
  filename?: string;
  /**
   * Compress the file when it is complete.
   */
  gzip?: boolean;
}
/**
 * How long the logs of runs are kept, by how the run ended.
 */
export interface Keep {
  /**
   * Logs of successful runs.
   */
  ok?: string | number;
  /**
   * Logs of failed runs.
   */
  failed?: string | number;
  /**
   * Logs of runs that found nothing new.
   */
  unchanged?: string | number;
  /**
   * Most that the logs of one package take together; the oldest go first.
   */
  total?: string;
}
/**
 * What every ftpsync package tells Debian about this mirror.
 */
export interface Ftpsync {
  /**
   * Name and address of the maintainer.
   */
  maintainer?: string;
  /**
   * Name and URL of the sponsor.
   */
  sponsor?: string;
  /**
   * Country code.
   */
  country?: string;
  /**
   * City.
   */
  location?: string;
  /**
   * Bandwidth of the mirror.
   */
  throughput?: string;
  /**
   * Architectures to mirror.
   */
  include?: string;
  /**
   * Architectures to leave out.
   */
  exclude?: string;
}
export interface PlugIn {
  /**
   * Accepted for mirror.py's configs; plug-ins are not built yet.
   */
  enabled?: boolean;
}
/**
 * Who may use the control socket (list, status, start, stop): its owner, group and mode.
 */
export interface Socket {
  /**
   * Its user; default: `settings.uid`.
   */
  uid?: string | number;
  /**
   * Its group; default: `settings.gid`.
   */
  gid?: string | number;
  /**
   * Its mode: `0660` lets the group in, whose members then need no sudo.
   */
  mode?: string;
}
/**
 * Who hears when a package keeps failing, once for each incident, and when it is well again.
 */
export interface Notify {
  /**
   * Failed attempts in a row, retries included, that make an incident.
   */
  after_failures?: number;
  /**
   * Program and arguments, run as the mirror user with MIRROR_* variables and the notice as JSON on stdin.
   *
   * @minItems 1
   *
   * Items: One word.
   */
  command?: [string, ...string[]];
  /**
   * Address that gets a mail through `sendmail`.
   */
  mail?: string;
  /**
   * The program that takes mail.
   */
  sendmail?: string;
  /**
   * URL that gets the notice as JSON in a POST. It is a secret; prefer `webhook_file`.
   */
  webhook?: string;
  /**
   * Root-only file whose first line is the URL.
   */
  webhook_file?: string;
  /**
   * How much of the system `mirror-notify.service` is shut off from. In `strict` no program gets rights by a set-id bit, which the mail programs of exim, postfix, sendmail, dma and nullmailer need: they need `off`, while msmtp, a `command` that speaks SMTP and a webhook do not.
   */
  sandbox?: 'strict' | 'off';
}
/**
 * What a scheduled run does after a failure that trying again may heal.
 */
export interface Retry {
  /**
   * Wait before the first retry; doubles with each one.
   */
  delay?: string;
  /**
   * How often one slot is tried in all, the first time included.
   */
  attempts?: number;
  /**
   * Longest wait between two attempts.
   */
  max_delay?: string;
}
/**
 * Limits of the first sync into an empty dst, which may take days.
 */
export interface FirstSync {
  /**
   * Like `max_runtime`, until the package has synced once.
   */
  max_runtime?: string;
}
/**
 * What keeps a broken upstream or disk from emptying the mirror.
 */
export interface Guard {
  /**
   * Most files that one run may delete.
   */
  deletes?: number;
  /**
   * Largest share of the mirror's files that one run may delete; never below 1000 files.
   */
  ratio?: number;
  /**
   * Free space on dst's file system under which no run starts or goes on: a size, or a percentage.
   */
  min_free?: string;
  /**
   * A mount point that must be mounted before a run writes to dst.
   */
  mount?: string;
}
/**
 * How the sync tool reaches its upstream.
 */
export interface Network {
  /**
   * Address family to connect with.
   */
  family?: 'any' | 'ipv4' | 'ipv6';
  /**
   * Local address to connect from.
   */
  bind?: string;
  /**
   * Proxy to go through, `host:port` for rsync.
   */
  proxy?: string;
  /**
   * Hosts, and names below them, to which the source may redirect over http and https. By default a redirect stays on the source's own host, and never leaves https for http. git and apt-mirror cannot tell hosts apart behind a `proxy`: there they follow no redirect, or any if this names a host. dnf follows any redirect behind a `proxy`, which has to refuse.
   *
   * @maxItems 100
   *
   * Items: One host; for an IPv6 address without brackets.
   */
  redirects?: string[];
  /**
   * Address ranges that a run's unit cannot reach, beside link-local, multicast and (except for `command`) loopback addresses: `private` adds 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 and fc00::/7. Only systemd enforces it.
   *
   * @maxItems 1
   *
   * Items: A group of addresses.
   */
  deny?: [] | ['private'];
  /**
   * Addresses that a run's unit may reach although they lie in a denied range. Sources and a proxy that are written as addresses or `localhost`, and the machine's name servers, need no entry.
   *
   * @maxItems 100
   *
   * Items: One address, or a prefix such as `10.1.0.0/16`.
   */
  allow?: string[];
  /**
   * File with the certificate authorities to trust.
   */
  ca_file?: string;
  ssh?: Ssh;
}
/**
 * For sources reached over ssh. With both `key` and `known_hosts` ssh reads no configuration file; without them it also reads `~/.ssh` of the user that the package runs as, which every package of that user can write.
 */
export interface Ssh {
  /**
   * Private key file.
   */
  key?: string;
  /**
   * File with the host keys to accept; others are refused.
   */
  known_hosts?: string;
  /**
   * Port of the ssh server; default ssh's own.
   */
  port?: number;
}
/**
 * Environment variables by name: letters, digits and `_`, which may stand first: no key is a note here.
 */
export interface Environment {
  /**
   * Value of the variable.
   *
   * This interface was referenced by `Environment`'s JSON-Schema definition
   * via the `patternProperty` "^[A-Za-z_][A-Za-z0-9_]*$".
   */
  [k: string]: string;
}
/**
 * How much of the machine a run may take.
 */
export interface Resources {
  /**
   * Scheduling priority, -20 (first) to 19 (last).
   */
  nice?: number;
  /**
   * I/O scheduling class and level (0 first, 7 last): `best-effort 7`, `realtime 4` or `idle`.
   */
  io?: string;
  /**
   * Share of CPU time against other units (systemd's CPUWeight=, where 100 is usual).
   */
  cpu_weight?: number;
  /**
   * Share of I/O against other units (systemd's IOWeight=, where 100 is usual).
   */
  io_weight?: number;
  /**
   * Memory above which a run is slowed down, its page cache included: an rsync of ten million files needs 1 to 2 GB.
   */
  memory_high?: string;
  /**
   * Memory above which a run is killed; default none.
   */
  memory_max?: string;
  /**
   * Processes and threads that a run may have at a time.
   */
  tasks_max?: number;
}
/**
 * One mirrored tree: where it comes from, where it goes, how and when. `npm run generate` writes `oneOf` from schemas/methods.
 */
export interface PackageConfig {
  /**
   * The package's id; if given, the same as its key in `packages`.
   */
  id?: string;
  /**
   * Name shown to people; default the id.
   */
  name?: string;
  /**
   * Path or URL under which the web server shows the tree; default `/` and the id.
   */
  href?: string;
  /**
   * The sync method.
   */
  synctype: string;
  /**
   * Time between two syncs as an ISO 8601 duration, `PUSH` (only when asked), or an empty string (never by itself).
   */
  syncrate?: string;
  /**
   * Wall-clock schedule instead of `syncrate`: five blank-separated cron fields, in `localtimezone`.
   */
  schedule?: string;
  /**
   * Times of the day (`HH:MM`, in `localtimezone`) instead of `syncrate`.
   */
  synctime?: string | string[];
  /**
   * Offset of the `syncrate` slots from the Unix epoch; default a stable hash of machine and id.
   */
  phase?: string;
  /**
   * Times of the day (`HH:MM-HH:MM`, in `localtimezone`) in which scheduled runs may start; default any.
   */
  window?: string[];
  /**
   * Least time between the end of a run and the next scheduled one.
   */
  min_gap?: string;
  /**
   * Says that upstream pushes beside the interval: shown by `explain`. Any package may be pushed.
   */
  push?: boolean;
  /**
   * Links shown beside the package.
   */
  link?: Link[];
  /**
   * Keep the package in the config but never sync it.
   */
  disabled?: boolean;
  /**
   * Machines (`settings.node`) that carry the package; default all.
   *
   * @minItems 1
   *
   * Items: A machine's name among `hosts`.
   */
  hosts?: [string, ...string[]];
  /**
   * Named sets of `defaults.sets` that the package takes, later ones over earlier ones.
   */
  use?: string[];
  settings: PackageSettings;
  retry?: Retry;
  /**
   * Longest time one attempt may take before it is stopped.
   */
  max_runtime?: string;
  first_sync?: FirstSync;
  guard?: Guard;
  precheck?: Precheck;
  freshness?: Freshness;
  /**
   * How long to keep what runs delete, in a directory of dst that only the mirror user may look into; `mirror restore` brings it back. Default: it is deleted at once.
   */
  keep_deleted?: string;
  accept_exit?: AcceptedExits;
  /**
   * Time without a success after which the package counts as stale; default three intervals, at least a day.
   */
  stale_after?: string;
  network?: Network;
  env?: Environment;
  /**
   * User that runs the sync; default `settings.uid`. With a `group` that is not the site's, its files lie apart: no other package's run can write its state, locks, caches and logs.
   */
  user?: string | number;
  /**
   * Group that runs the sync; default `settings.gid`.
   */
  group?: string | number;
  /**
   * File mode creation mask of the run.
   */
  umask?: string;
  /**
   * How much of the system the run is shut off from. `standard` shows it other users and network devices, which `strict` does not; `off` is no sandbox at all, address rules included.
   */
  sandbox?: 'strict' | 'standard' | 'off';
  resources?: Resources;
  logger?: PackageLogger;
  /**
   * The package's former id: its history goes on.
   */
  renamed_from?: string;
  /**
   * @deprecated
   * Ignored: the name that upstream knows belongs in `settings.options.user`.
   */
  username?: string;
  /**
   * @deprecated
   * Ignored: options belong in `settings.options`.
   */
  options?: {
    [k: string]: unknown;
  };
  /**
   * @deprecated
   * Ignored: state is kept in the state directory.
   */
  status?:
    | {
        [k: string]: unknown;
      }
    | string;
  /**
   * @deprecated
   * Ignored: state is kept in the state directory.
   */
  statusinfo?: {
    [k: string]: unknown;
  };
  /**
   * @deprecated
   * Ignored: state is kept in the state directory.
   */
  lastsync?: number;
  /**
   * @deprecated
   * Ignored: state is kept in the state directory.
   */
  timestamp?: number;
  /**
   * @deprecated
   * Ignored: state is kept in the state directory.
   */
  errorcount?: number;
}
/**
 * One link.
 */
export interface Link {
  /**
   * What the link is, such as `HOME`.
   */
  rel: string;
  /**
   * Where it leads.
   */
  href: string;
}
/**
 * Source, destination and the method's options.
 */
export interface PackageSettings {
  /**
   * Leave the package out of every public file.
   */
  hidden?: boolean;
  /**
   * Upstream, or several in order: the next one is tried only when the one before is unavailable, and then nothing is deleted. A login in an http, https or ftp URL is percent-encoded (`user%40example.org@`); in others it stands as it is.
   */
  src?: string | string[];
  /**
   * Directory of the mirrored tree.
   */
  dst: string;
  /**
   * The sync method's own options; see schemas/methods.
   */
  options?: {
    [k: string]: unknown;
  };
}
/**
 * Ask first whether upstream has changed, by one file that changes with every update.
 */
export interface Precheck {
  /**
   * The marker file, relative to the source.
   */
  file?: string;
  /**
   * Make a full pass this often even if the marker has not changed.
   */
  full_every?: string;
  /**
   * Files to refresh on every run, even when nothing has changed.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  always?: string[];
}
/**
 * A marker of upstream's with its own time.
 */
export interface Freshness1 {
  /**
   * The file that holds upstream's time.
   */
  file: string;
  /**
   * How it tells the time.
   */
  format?: 'epoch' | 'date' | 'trace' | 'release' | 'manjaro' | 'repomd' | 'mtime';
  /**
   * Oldest time that still counts as fresh; default any.
   */
  max_age?: string;
  /**
   * Whether its time must not go backwards.
   */
  monotonic?: boolean;
}
/**
 * Exit codes of the tool (1 to 255) to take as `incomplete` instead of failed, each with the reason why.
 */
export interface AcceptedExits {
  /**
   * Why this exit code is acceptable.
   *
   * This interface was referenced by `AcceptedExits`'s JSON-Schema definition
   * via the `patternProperty` "^([1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$".
   */
  [k: string]: string;
}
/**
 * Logs of this package's runs.
 */
export interface PackageLogger {
  keep?: Keep;
  /**
   * Most bytes of one log. A tool that writes more is ended, and the log keeps its beginning.
   */
  max_size?: string;
}
/**
 * The options of each method as it reads them: those that have a default are there.
 *
 * This interface was referenced by `SiteConfig`'s JSON-Schema
 * via the `definition` "methodOptions".
 */
export interface MethodOptions {
  'apt-mirror': AptMirrorOptions;
  bandersnatch: BandersnatchOptions;
  command: CommandOptions;
  debmirror: DebmirrorOptions;
  ftpsync: FtpsyncOptions;
  git: GitOptions;
  jigdo: JigdoOptions;
  lftp: LftpOptions;
  local: LocalOptions;
  'quick-fedora': QuickFedoraOptions;
  reposync: ReposyncOptions;
  rsync: RsyncOptions;
  ubuntu: UbuntuOptions;
}
/**
 * Options of `synctype: apt-mirror`.
 */
export interface AptMirrorOptions {
  /**
   * Distributions to mirror, by codename or suite, as they are below `dists/`.
   *
   * @minItems 1
   *
   * Items: A name as in an apt repository: letters, digits and `._+~-`, parts with `/` between them.
   */
  dists: [string, ...string[]];
  /**
   * Sections (components) of each distribution.
   *
   * @minItems 1
   *
   * Items: A name as in an apt repository: letters, digits and `._+~-`, parts with `/` between them.
   */
  sections: [string, ...string[]];
  /**
   * Architectures of binary packages.
   *
   * Items: An architecture as in the names of packages.
   */
  arches: string[];
  /**
   * Mirror source packages too.
   */
  source: boolean;
  /**
   * Refuse a distribution whose Release file is not signed by a key of `keyring`.
   */
  check_gpg: boolean;
  /**
   * Keyring files (binary, not armored) with the keys to trust, and no others.
   *
   * @minItems 1
   *
   * Items: A path that starts with `/`, without `.` or `..` parts.
   */
  keyring: [string, ...string[]];
  /**
   * User name for http or ftp.
   */
  user?: string;
  /**
   * Password of the user. Better a root-only file: see `password_file`.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
  /**
   * Mirror the Contents files, which tell what file is in which package.
   */
  contents: boolean;
  /**
   * Delete packages that no index names any more.
   */
  delete: boolean;
  /**
   * Directories of the repository that hold its packages.
   *
   * @minItems 1
   *
   * Items: The name of a directory in the repository's root.
   */
  directories: [string, ...string[]];
  /**
   * Most downloads at a time.
   */
  threads: number;
  /**
   * Most bytes per second of each download, as for wget's --limit-rate: a number, or one with `k`, `m` or `g`.
   */
  bwlimit?: string;
  /**
   * Seconds without an answer after which a connection is tried again.
   */
  timeout: number;
}
/**
 * Options of `synctype: bandersnatch`: a mirror of PyPI, or of some of its projects. `dst` is bandersnatch's own directory; what clients are served is `web` in it.
 */
export interface BandersnatchOptions {
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  program?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  config?: string;
  /**
   * Ask upstream for what has changed by its simple index, or by XML-RPC, which bandersnatch 8 no longer has.
   */
  api_method: 'xmlrpc' | 'simple';
  /**
   * Downloads at the same time.
   */
  workers: number;
  /**
   * Seconds without any data after which a connection is given up.
   */
  timeout: number;
  /**
   * Seconds that one request, download included, may take.
   */
  global_timeout: number;
  /**
   * End the run at the first project that cannot be mirrored; by default the others still are, and the run fails all the same.
   */
  stop_on_error: boolean;
  /**
   * Keep each project's metadata, too (`/pypi/NAME/json`).
   */
  json: boolean;
  /**
   * Mirror the files of releases; false: the index alone, whose links then lead to `root_uri`.
   */
  release_files: boolean;
  /**
   * Begin the links of index pages with this URL, in place of relative ones.
   */
  root_uri?: string;
  /**
   * Put index pages into directories by first letter; clients then need a rewriting web server.
   */
  hash_index: boolean;
  /**
   * Write index pages as HTML, as JSON, or both.
   */
  simple_format: 'all' | 'html' | 'json';
  /**
   * Know a file that is there already by reading it (hash) or by its size and time (stat).
   */
  compare_method: 'hash' | 'stat';
  /**
   * Fetch files from this mirror first; upstream's own are the fallback.
   */
  download_mirror?: string;
  /**
   * Fetch files from `download_mirror` and nowhere else.
   */
  download_mirror_no_fallback: boolean;
  /**
   * Mirror these projects only, as requirements: `NAME`, or `NAME` with versions. An empty list allows all.
   *
   * Items: A project's name, or its name and which versions.
   */
  allow: string[];
  /**
   * Leave these projects out, or these versions of them.
   *
   * Items: A project's name, or its name and which versions.
   */
  block: string[];
  /**
   * Python regular expressions: projects whose name one matches from its beginning are left out.
   *
   * Items: Text without control characters, without blanks around it, that does not begin with `#` or `;`.
   */
  block_projects: string[];
  /**
   * Python regular expressions: versions that one matches from their beginning are left out.
   *
   * Items: Text without control characters, without blanks around it, that does not begin with `#` or `;`.
   */
  block_releases: string[];
  /**
   * Mirror alpha, beta, rc and dev versions, too.
   */
  prereleases: boolean;
  /**
   * Mirror the newest so many versions of each project; 0: all.
   */
  keep_releases: number;
  /**
   * Leave out projects all of whose files are larger in sum; those in `allow` stay.
   */
  max_project_size?: string;
  /**
   * Leave out built files (not sources) for these systems, or for these versions of Python.
   *
   * Items: A system, or a version of Python.
   */
  exclude_platforms: string[];
  /**
   * More filter plugins to switch on; their settings go into `extra`.
   *
   * Items: Name of a filter plugin.
   */
  plugins: string[];
  /**
   * Any other setting of bandersnatch.conf, by section and key.
   */
  extra: {
    /**
     * A section.
     *
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^[a-z][a-z0-9_]{0,99}$".
     */
    [k: string]: {
      /**
       * A value, or a list, one a line.
       *
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` "^[A-Za-z][A-Za-z0-9_.:-]{0,199}$".
       */
      [k: string]: string | string[];
    };
  };
  /**
   * Delete files that their project no longer lists, once all is mirrored. It needs `json`, kept from the first run on, and reads every file. By default nothing is ever deleted.
   */
  delete: boolean;
}
/**
 * Options of `synctype: command`.
 */
export interface CommandOptions {
  /**
   * Program and arguments, one word each, run without a shell in dst.
   *
   * @minItems 1
   */
  command: [string, ...string[]];
  env?: Environment;
  /**
   * What its deletions mean, which are counted before and after each run: with `deletions`, more than the package's `guard` allows block the package until a person has looked; with `none` they are only recorded.
   */
  guard: 'deletions' | 'none';
}
/**
 * Options of `synctype: debmirror`.
 */
export interface DebmirrorOptions {
  /**
   * Distributions to mirror, by codename or suite, as they are below `dists/`.
   *
   * @minItems 1
   *
   * Items: A name as in an apt repository: letters, digits and `._+~-`, parts with `/` between them.
   */
  dists: [string, ...string[]];
  /**
   * Sections (components) of each distribution.
   *
   * @minItems 1
   *
   * Items: A name as in an apt repository: letters, digits and `._+~-`, parts with `/` between them.
   */
  sections: [string, ...string[]];
  /**
   * Architectures of binary packages; an empty list is none.
   *
   * Items: A name as in an apt repository: letters, digits and `._+~-`, parts with `/` between them.
   */
  arches: string[];
  /**
   * Mirror source packages too.
   */
  source: boolean;
  /**
   * Refuse a distribution whose Release file is not signed by a key of `keyring`.
   */
  check_gpg: boolean;
  /**
   * Keyring files (binary, not armored) with the keys to trust, and no others.
   *
   * @minItems 1
   *
   * Items: A path that starts with `/`, without `.` or `..` parts.
   */
  keyring: [string, ...string[]];
  /**
   * User name for http, ftp or the rsync daemon.
   */
  user?: string;
  /**
   * Password of the user. Better a root-only file: see `password_file`.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
  /**
   * Mirror translations of descriptions into all languages, not English only. Without them `apt update` fails for every reader who set another language.
   */
  i18n: boolean;
  /**
   * Mirror the Contents files, which tell what file is in which package.
   */
  contents: boolean;
  /**
   * Read every file of the pool in every run and compare its checksum, not only its size.
   */
  checksums: boolean;
  /**
   * Use upstream's diffs to update indexes (needs ed and patch), mirror them as well, or do without.
   */
  diff: 'none' | 'use' | 'mirror';
  /**
   * Delete what no index names any more after the sync, or never.
   */
  cleanup: 'after' | 'never';
  /**
   * Perl patterns of file names to mirror although `exclude` and its like leave them out.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  include?: string[];
  /**
   * Perl patterns of file names to leave out.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  exclude?: string[];
  /**
   * Perl patterns of package sections (such as `games`) to leave out.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  exclude_sections?: string[];
  /**
   * Perl patterns of priorities; packages of other priorities are left out.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  limit_priority?: string[];
  /**
   * Perl patterns of file names in dst that are never deleted.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  ignore?: string[];
  /**
   * Other directories to mirror; always by rsync, from the source's host and path.
   *
   * Items: A directory of the archive.
   */
  rsync_extra: ('doc' | 'indices' | 'tools' | 'trace')[];
  /**
   * Distributions whose current installer images to mirror.
   *
   * Items: A name as in an apt repository: letters, digits and `._+~-`, parts with `/` between them.
   */
  di_dists?: string[];
  /**
   * Architectures of the installer images; default `arches`.
   *
   * Items: A name as in an apt repository: letters, digits and `._+~-`, parts with `/` between them.
   */
  di_arches?: string[];
  /**
   * Make links such as `stable` to the codename.
   */
  suite_symlinks: boolean;
  /**
   * Seconds without an answer after which a transfer is given up.
   */
  timeout: number;
}
/**
 * Options of `synctype: ftpsync`: Debian's own script, from the host's package `ftpsync`.
 */
export interface FtpsyncOptions {
  /**
   * Module, and path below it, of the rsync daemon; needed when `src` is a bare host name.
   */
  path?: string;
  /**
   * Tell downstream mirrors when a sync is done (runmirrors, configured in /etc/ftpsync).
   */
  hub: true | false | 'true' | 'false';
  /**
   * Name of this archive for downstreams' runmirrors; a push's own `sync:archive:` is not needed, the package says it.
   */
  archive?: string;
  /**
   * User name for the rsync daemon.
   */
  user?: string;
  /**
   * Password of the user. Better a root-only file: see `password_file`.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
  /**
   * Where ftpsync mails its errors (sendmail; the strict sandbox keeps most from working); otherwise it mails nobody.
   */
  email?: string;
  /**
   * Text without control characters and without those that turn the direction of writing.
   */
  maintainer?: string;
  /**
   * Text without control characters and without those that turn the direction of writing.
   */
  sponsor?: string;
  /**
   * Text without control characters and without those that turn the direction of writing.
   */
  country?: string;
  /**
   * Text without control characters and without those that turn the direction of writing.
   */
  location?: string;
  /**
   * Text without control characters and without those that turn the direction of writing.
   */
  throughput?: string;
  /**
   * Architectures to mirror, instead of the site's `ftpsync.include`; not together with `arch_exclude`.
   */
  arch_include?: string;
  /**
   * Architectures to leave out, instead of the site's `ftpsync.exclude`.
   */
  arch_exclude?: string;
  /**
   * Directory that keeps ftpsync's own logs, which are in each run's log anyway; the sandbox must let it be written, as it does below the log folder.
   */
  logdir?: string;
  /**
   * Any other key of ftpsync.conf(5).
   */
  extra?: {
    /**
     * Name of the mirror, its trace and its lock; otherwise the site's `hostname`.
     */
    MIRRORNAME?: string;
    /**
     * Host that the trace names; otherwise the site's `hostname`.
     */
    TRACEHOST?: string;
    /**
     * The rsync program.
     */
    RSYNC?: string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    RSYNC_EXTRA?: string;
    /**
     * Most KiB per second; 0 is no limit.
     */
    RSYNC_BW?: number | string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    RSYNC_OPTIONS?: string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    RSYNC_OPTIONS1?: string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    RSYNC_OPTIONS2?: string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    EXCLUDE?: string;
    /**
     * How to reach the rsync daemon, where not directly.
     */
    RSYNC_TRANSPORT?: 'ssh' | 'ssl';
    /**
     * Old way to say `RSYNC_TRANSPORT` ssl.
     */
    RSYNC_SSL?: true | false | 'true' | 'false';
    /**
     * Port of the daemon behind TLS.
     */
    RSYNC_SSL_PORT?: number | string;
    /**
     * A path that starts with `/`, without `.` or `..` parts.
     */
    RSYNC_SSL_CAPATH?: string;
    /**
     * What makes the tunnel.
     */
    RSYNC_SSL_METHOD?: 'stunnel' | 'stunnel-old' | 'stunnel4' | 'socat';
    /**
     * Mail only when something failed.
     */
    ERRORSONLY?: true | false | 'true' | 'false';
    /**
     * Mail rsync's log too.
     */
    FULLLOGS?: true | false | 'true' | 'false';
    /**
     * How many of each log to keep in `logdir`.
     */
    LOGROTATE?: number | string;
    /**
     * Seconds after which a lock is stale, for a bash before 4.
     */
    LOCKTIMEOUT?: number | string;
    /**
     * Seconds to wait when upstream is being updated.
     */
    UIPSLEEP?: number | string;
    /**
     * How often to wait for upstream's update.
     */
    UIPRETRIES?: number | string;
    /**
     * User of a callback, for a push that asks for one.
     */
    CALLBACKUSER?: string;
    /**
     * Host of a callback.
     */
    CALLBACKHOST?: string;
    /**
     * A path that starts with `/`, without `.` or `..` parts.
     */
    CALLBACKKEY?: string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    HOOK1?: string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    HOOK2?: string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    HOOK3?: string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    HOOK4?: string;
    /**
     * Text without control characters and without those that turn the direction of writing.
     */
    HOOK5?: string;
  };
  /**
   * @deprecated
   * Ignored: the key is `arch_include`.
   */
  include?: string;
  /**
   * @deprecated
   * Ignored: the key is `arch_exclude`.
   */
  exclude?: string;
}
/**
 * Options of `synctype: git`: bare mirrors of git repositories. Each run is held to upstream's own list of refs. Files that a repository keeps in Git LFS are not mirrored.
 */
export interface GitOptions {
  /**
   * User name for ssh, http and https; for an access token mostly any word.
   */
  user?: string;
  /**
   * Password or access token of the user, for http and https. Better a root-only file: see `password_file`.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
  /**
   * Paths of repositories below `src`, mirrored to the same paths below dst. One that fails does not stop the others; the run fails at the end and names it. Default: `src` is a repository, and dst its mirror.
   *
   * @minItems 1
   *
   * Items: Path below `src` and dst, no part of which begins with a dot or `-`.
   */
  repositories?: [string, ...string[]];
  /**
   * What to mirror, as patterns of names; the default is everything, pull requests of a forge included.
   *
   * @minItems 1
   *
   * Items: A full name, or one with a single `*`.
   */
  refs: [string, ...string[]];
  /**
   * Repack when git thinks it is time, as part of a sync, or never.
   */
  gc: 'auto' | 'off';
  /**
   * Check the repository after each sync: whether all that branches and tags need is there, or every object as well.
   */
  fsck: 'off' | 'connectivity' | 'full';
  /**
   * Keep the files up to date by which a plain web server can serve the repository.
   */
  server_info: boolean;
  /**
   * Seconds without any data after which a connection over http, https or ssh is given up.
   */
  timeout: number;
}
/**
 * Options of `synctype: jigdo`: Debian's CD images, made here from the files of an archive nearby.
 */
export interface JigdoOptions {
  /**
   * Archive that has the files of the images: a URL, better `file:` with a directory of this host.
   */
  debian_mirror: string;
  /**
   * How jigdo-mirror calls jigdo-file, words with blanks between them; `$tmpDir` is its temporary directory. Without a `--cache`: the checksums that jigdo-file 0.8 finds in one are wrong.
   */
  jigdo_file?: string;
  /**
   * Seconds without any data after which rsync gives up (--timeout); a download gives up after 120 at most.
   */
  timeout: number;
  /**
   * Write the time of each sync that went well into a trace file.
   */
  trace: boolean;
  /**
   * Directory of the trace file, relative to dst.
   */
  trace_path: string;
  /**
   * Patterns of what the first pass leaves out: the images.
   *
   * @minItems 1
   *
   * Items: A pattern as for rsync's --exclude; no rule prefix (`+ `, `- `), no `!`.
   */
  template_excludes: [string, ...string[]];
  /**
   * Patterns of images that the last pass takes from upstream as they are.
   *
   * Items: A pattern as for rsync's --exclude; no rule prefix (`+ `, `- `), no `!`.
   */
  final_includes: string[];
  /**
   * Arguments to add to both passes of rsync, one word each.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  extra_rsync_args: string[];
  /**
   * The rsync program.
   */
  rsync_bin: string;
  /**
   * The jigdo-mirror program.
   */
  jigdo_mirror_bin: string;
  /**
   * Name of the trace file; otherwise the site's `hostname`.
   */
  hostname?: string;
  /**
   * User name for the rsync daemon or ssh.
   */
  user?: string;
  /**
   * Password of the user. Better a root-only file: see `password_file`.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
}
/**
 * Options of `synctype: lftp`: ftp, ftps, http and https.
 */
export interface LftpOptions {
  /**
   * User name to log in with; default anonymous.
   */
  user?: string;
  /**
   * Password of the user. Better a root-only file: see `password_file`. Over http lftp can send ASCII only.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
  /**
   * Options of the LIST command, for servers that hide files whose names begin with a dot.
   */
  list_options: '' | '-a';
  /**
   * Read all of upstream's directories before the first file is fetched.
   */
  scan_all_first: boolean;
  /**
   * Regular expressions of files to leave out (lftp's -x); directories end with a slash.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  exclude_x: string[];
  /**
   * Glob patterns of files and directories to leave out (lftp's -X).
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  exclude_X: string[];
  /**
   * More glob patterns of files and directories to leave out; the defaults of the others stay.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  exclude: string[];
  /**
   * How often in a row lftp tries what does not succeed; 1 is once.
   */
  max_retries: number;
  /**
   * Seconds without any data after which a connection is given up.
   */
  net_timeout: number;
  /**
   * Answers, such as `403` (http) or `550` (ftp), by which upstream refuses single files that it lists. The run leaves such files out and counts them in its outcome, and does not fail.
   */
  skip: string[];
  /**
   * TLS on `ftp://`: for a login where upstream offers it, required for everything, or off. `ftps` and `https` always have it.
   */
  tls: 'offered' | 'required' | 'off';
  /**
   * Make the symbolic links that upstream lists, wherever they point.
   */
  symlinks: boolean;
  /**
   * Files to fetch at the same time.
   */
  parallel: number;
}
/**
 * Options of `synctype: local`: none.
 */
export interface LocalOptions {}
/**
 * Options of `synctype: quick-fedora`: rsync of what upstream's file lists say has changed.
 */
export interface QuickFedoraOptions {
  /**
   * Directories below `src` and dst that have a list each, such as `fedora` and `epel` below `fedora-buffet`; one run syncs all of them, so that hard links between them stay. Empty: `src` itself has the list.
   *
   * @maxItems 100
   *
   * Items: A directory below `src`: letters, digits and `._+@-`, with `/` between its parts.
   */
  modules: string[];
  /**
   * Name of a file list in its directory; `{module}` stands for the last part of the directory's path.
   */
  list: string;
  /**
   * Files beside a list that no list names, and that come with it where upstream has them.
   *
   * Items: A file name, in which `{module}` is as in `list`.
   */
  extra_files: string[];
  /**
   * Also sync what not everybody may read yet (releases before their day): for tier 1 mirrors that upstream lets read it.
   */
  restricted: boolean;
  /**
   * Patterns of files to leave out, as for rsync's --exclude.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  exclude: string[];
  /**
   * How often everything listed is looked at, and everything in dst that is not listed is deleted, instead of what has changed only.
   */
  full_every: string;
  /**
   * User name for the rsync daemon or ssh.
   */
  user?: string;
  /**
   * Password of the user. Better a root-only file: see `password_file`.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
  /**
   * Most bytes per second, as for rsync's --bwlimit: a number (KiB) or with a suffix.
   */
  bwlimit?: string;
  /**
   * Arguments to add to the passes, one word each.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  extra_args: string[];
  /**
   * Leave out symbolic links that point outside the tree (--safe-links).
   */
  safe_links: boolean;
  /**
   * Seconds without any data after which rsync gives up (--timeout); 0 is never.
   */
  timeout: number;
  /**
   * Seconds to wait for a connection to a daemon (--contimeout); 0 is for ever.
   */
  contimeout: number;
}
/**
 * Options of `synctype: reposync`.
 */
export interface ReposyncOptions {
  /**
   * Architectures of the packages to mirror (`noarch` and `src` have to be named, too); default all.
   *
   * Items: An architecture as in the names of packages.
   */
  arches: string[];
  /**
   * Mirror the newest version of each package only.
   */
  newest_only: boolean;
  /**
   * Refuse packages that are not signed by one of `keys`.
   */
  check_gpg: boolean;
  /**
   * Refuse an index (repomd.xml) that is not signed by one of `keys`; many repositories sign packages only. The signature and the key beside the index are mirrored in any case.
   */
  check_metadata_gpg: boolean;
  /**
   * Files with the public keys to trust, armored.
   *
   * @minItems 1
   *
   * Items: A path that starts with `/`, without `.` or `..` parts.
   */
  keys?: [string, ...string[]];
  /**
   * Delete packages that the index no longer names.
   */
  delete: boolean;
  /**
   * User name for http or ftp.
   */
  user?: string;
  /**
   * Password of the user. Better a root-only file: see `password_file`.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
  /**
   * Most downloads at a time.
   */
  parallel: number;
  /**
   * Most bytes per second, as for dnf's `throttle`: a number, or one with `k`, `M` or `G`.
   */
  bwlimit?: string;
  /**
   * Seconds without an answer after which a connection is given up.
   */
  timeout: number;
  /**
   * How often a download is tried.
   */
  retries: number;
}
/**
 * Options of `synctype: rsync`.
 */
export interface RsyncOptions {
  /**
   * mirror.py's name for `precheck`: ask `fftsfile` first whether upstream has changed.
   */
  ffts: boolean;
  /**
   * Text without control characters and without those that turn the direction of writing.
   */
  fftsfile?: string;
  /**
   * User name for the rsync daemon or ssh.
   */
  user?: string;
  /**
   * Password of the user. Better a root-only file: see `password_file`.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
  /**
   * Letters to add to the base flags.
   */
  option_include?: string;
  /**
   * Letters to leave out of the base flags `-vrltSH`.
   */
  option_exclude?: string;
  /**
   * Patterns of files to leave out, as for rsync's --exclude, but for `!`, which would empty the list.
   *
   * Items: A pattern as for rsync's --exclude, but for `!`.
   */
  exclude?: string[];
  /**
   * Most bytes per second, as for rsync's --bwlimit: a number (KiB) or with a suffix.
   */
  bwlimit?: string;
  /**
   * Arguments that replace the base flags `-vrltSH --partial --delay-updates --safe-links`.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  base_args?: string[];
  /**
   * Arguments to add, one word each.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  extra_args?: string[];
  /**
   * Leave out symbolic links that point outside the tree (--safe-links).
   */
  safe_links: boolean;
  /**
   * Seconds without any data after which rsync gives up (--timeout); 0 is never.
   */
  timeout: number;
  /**
   * Seconds to wait for a connection to a daemon (--contimeout); 0 is for ever.
   */
  contimeout: number;
  stage_set?: StageSetDebianUbuntuOrRpmOrASetOfYourOwn;
  /**
   * @deprecated
   * Ignored: the key is `user`.
   */
  username?: string;
  /**
   * @deprecated
   * Ignored: the key is `user`.
   */
  userid?: string;
  /**
   * @deprecated
   * Ignored: the key is `password_file`.
   */
  passwd?: string;
  /**
   * @deprecated
   * Ignored: `user` is enough.
   */
  auth?: boolean;
}
/**
 * Options of `synctype: ubuntu`: an Ubuntu archive in two stages.
 */
export interface UbuntuOptions {
  /**
   * Write the time of each sync that went well into a trace file named after `hostname`, as Ubuntu asks.
   */
  trace: boolean;
  /**
   * Directory of the trace file, relative to dst: `project/trace` for the archive, `.trace` for the releases.
   */
  trace_path: string;
  /**
   * Patterns of index files, which the first stage leaves out and the second publishes; below `dists`, unless they start with `/`.
   *
   * @minItems 1
   *
   * Items: A pattern as for rsync's --exclude; no rule prefix (`+ `, `- `), no `!`.
   */
  stage1_excludes: [string, ...string[]];
  /**
   * Arguments to add to every rsync that asks upstream, one word each.
   *
   * Items: Text without control characters and without those that turn the direction of writing.
   */
  extra_rsync_args: string[];
  /**
   * User name for the rsync daemon or ssh.
   */
  user?: string;
  /**
   * Password of the user. Better a root-only file: see `password_file`.
   */
  password?: string;
  /**
   * A path that starts with `/`, without `.` or `..` parts.
   */
  password_file?: string;
  /**
   * Most bytes per second, as for rsync's --bwlimit: a number (KiB) or with a suffix.
   */
  bwlimit?: string;
  /**
   * Seconds without any data after which rsync gives up (--timeout); 0 is never.
   */
  timeout: number;
  /**
   * Seconds to wait for a connection to a daemon (--contimeout); 0 is for ever.
   */
  contimeout: number;
}
