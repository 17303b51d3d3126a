import { shellQuoted } from '../job/shell.js';
import { rsyncFiltersOfScript } from '../job/never-upstream.js';
import type { FilePart } from '../job/step.js';
import type { Package } from '../model/site.js';
import type { DaemonModule } from './ftpsync-source.js';
import type { MethodContext, Options } from './method.js';
import { rsyncSparesOfScript } from './nested.js';
import { hearsPassword } from './password.js';
import { addressWords } from './rsync-connection.js';
import { undoWords } from './rsync-pass.js';
import { withoutDeletes } from './rsync-words.js';

type FtpsyncOptions = Options<'ftpsync'>;

/** What ftpsync's second pass does by default, but for its limit of deletions: that is ours. */
const SECOND_PASS = '--delay-updates --delete --delete-delay --delete-excluded';

/** Options that split into words of rsync. */
export const RSYNC_WORDS = [
  'RSYNC_EXTRA',
  'RSYNC_OPTIONS',
  'RSYNC_OPTIONS1',
  'RSYNC_OPTIONS2',
  'EXCLUDE',
] as const;

/** Debian's words for what starts a sync; `ssh` is a push. */
const TRIGGERS = { schedule: 'cron', retry: 'cron', push: 'ssh', request: 'manual' };

/** Where ftpsync writes its logs. */
export function logDirectory(pkg: Package, context: MethodContext): string {
  return (pkg.options as FtpsyncOptions).logdir ?? `${context.work}/log`;
}

/**
 * The text of ftpsync.conf(5) for one run. bash sources it, so every value is one quoted word, and what the run adds (the
 * delete limit, the trigger) is a number or a word of ours. The password is in no variable: rsync would have it in its
 * environment.
 */
export function ftpsyncConf(pkg: Package, context: MethodContext, from: DaemonModule): FilePart[] {
  const options = pkg.options as FtpsyncOptions;
  const logs = logDirectory(pkg, context);
  const settings: Record<string, string> = {
    MIRRORNAME: context.site.hostname,
    TRACEHOST: context.site.hostname,
    NAME: pkg.id,
    TO: pkg.dst,
    HUB: String(options.hub),
    ...sourceSettings(from, options.user),
    ...(pkg.network.proxy === null ? {} : { RSYNC_PROXY: pkg.network.proxy }),
    ...information(options, context),
    ...architectures(options, context),
    LOGDIR: logs,
    LOG: `${logs}/${pkg.id}.log`,
    ...extraSettings(options),
  };
  // ftpsync gives rsync these before all others.
  settings.RSYNC_EXTRA = words([...rsyncSparesOfScript(pkg), ...rsyncFiltersOfScript()].join(' '), [
    settings.RSYNC_EXTRA ?? '',
    ...connectionWords(pkg, context, options),
  ]);
  if (context.fallback) {
    for (const name of RSYNC_WORDS) {
      settings[name] = words('', withoutDeletes((settings[name] ?? '').split(' ')));
    }
  }
  const { RSYNC_OPTIONS2: second = '', ...others } = settings;
  return [
    `# ftpsync.conf(5) of ${pkg.id} for one run\n`,
    // The name by which this file was found is not for downstreams.
    `ARCHIVE=${shellQuoted(options.archive ?? '')}\n`,
    ...Object.entries(others)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `${name}=${shellQuoted(value)}\n`),
    ...secondPass(second, context.fallback, pkg.dst),
    ...mail(options),
    'INFO_TRIGGER=',
    { value: 'trigger', words: TRIGGERS },
    '\n',
  ];
}

/** ftpsync puts `user@host::path` together itself; a port or an address in brackets needs the whole of it. */
function sourceSettings({ host, port, path, user }: DaemonModule, own = ''): Record<string, string> {
  const login = user ?? own;
  const settings = { RSYNC_HOST: host, RSYNC_PATH: path, RSYNC_USER: login };
  if (port === null && !host.includes(':')) return settings;
  const authority = `${login === '' ? '' : `${login}@`}${host.includes(':') ? `[${host}]` : host}`;
  return { ...settings, RSYNC_SOURCE: `rsync://${authority}${port === null ? '' : `:${port}`}/${path}` };
}

/** What the trace tells about this mirror. */
function information(options: FtpsyncOptions, { site }: MethodContext): Record<string, string> {
  const { maintainer } = site;
  const person = maintainer === null ? '' : `${maintainer.name} <${maintainer.email}>`;
  const told = (key: 'maintainer' | 'sponsor' | 'country' | 'location' | 'throughput'): string =>
    options[key] ?? site.ftpsync[key] ?? '';
  return {
    INFO_MAINTAINER: told('maintainer') || person,
    INFO_SPONSOR: told('sponsor'),
    INFO_COUNTRY: told('country'),
    INFO_LOCATION: told('location'),
    INFO_THROUGHPUT: told('throughput'),
  };
}

/** A package that says anything about architectures says all: ftpsync takes one list only. */
function architectures(options: FtpsyncOptions, { site }: MethodContext): Record<string, string> {
  const own = options.arch_include !== undefined || options.arch_exclude !== undefined;
  const { include = '', exclude = '' } = own
    ? { include: options.arch_include, exclude: options.arch_exclude }
    : site.ftpsync;
  return { ARCH_INCLUDE: include, ARCH_EXCLUDE: exclude };
}

function extraSettings(options: FtpsyncOptions): Record<string, string> {
  const given = Object.entries(options.extra ?? {}).filter(([name]) => !name.startsWith('_'));
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

/** Address family, bind address, password, and a limit for connecting, which rsync takes for a direct connection only. */
function connectionWords(pkg: Package, context: MethodContext, options: FtpsyncOptions): string[] {
  return [
    ...(isDirect(options) ? ['--contimeout=60'] : []),
    ...addressWords(pkg.network),
    ...(hearsPassword(pkg, context.source) ? [`--password-file=${context.work}/password`] : []),
  ];
}

/** Whether rsync itself connects to the daemon. */
export function isDirect({ extra = {} }: FtpsyncOptions): boolean {
  return extra.RSYNC_TRANSPORT === undefined && String(extra.RSYNC_SSL ?? false) !== 'true';
}

/** The limit comes first, where no option before it can take it as a value; `check` lets no other one follow. */
function secondPass(own: string, fallback: boolean, dst: string): FilePart[] {
  if (fallback) return [`RSYNC_OPTIONS2=${shellQuoted(own || '--delay-updates')}\n`];
  return [
    'RSYNC_OPTIONS2=--max-delete=',
    { value: 'delete-limit' },
    `${shellQuoted(` ${undoWords(dst).join(' ')} ${own || SECOND_PASS}`)}\n`,
  ];
}

/** ftpsync always has somebody to mail to; nobody is a mail function that does nothing. */
function mail({ email = '' }: FtpsyncOptions): string[] {
  return email === '' ? ["MAILTO='nobody'\n", 'mailf() { :; }\n'] : [`MAILTO=${shellQuoted(email)}\n`];
}

function words(own: string | undefined, more: readonly string[]): string {
  return [own ?? '', ...more].filter((word) => word !== '').join(' ');
}
