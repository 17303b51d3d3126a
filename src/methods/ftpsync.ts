import type { Package, Source } from '../model/site.js';
import { proveArchive } from './apt-archive.js';
import type { ArchiveFilters } from './apt-archive.js';
import { ftpsyncConf, isDirect, logDirectory, RSYNC_WORDS } from './ftpsync-conf.js';
import { daemonModule } from './ftpsync-source.js';
import { mistake, refusedSources, schemeOf, unsupported } from './findings.js';
import { clearedScriptFilters } from './nested.js';
import { accepted, privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { passwordFile, rsyncProxyFindings } from './rsync-connection.js';
import { ALL_DELETES, wordFindings } from './rsync-findings.js';
import { undoDirectory } from './rsync-pass.js';

/**
 * The name by which ftpsync looks for its configuration (`ftpsync-NAME.conf`), first in its HOME. Not the usual one: if
 * ours were not found, that of the host would be taken, with a directory of its own to sync into.
 */
const ARCHIVE = 'mirror';

/** What a push may ask for; which archive it means is said by the package it is for. */
const STAGES = '^sync:(stage1|stage2|all|mhop|callback)$';

/** Characters at which ftpsync, a shell script, would split a path or look for files. */
const NOT_IN_PATHS = /[\s*?[\]]/;

/** Debian's two-stage sync: the script of the host's package `ftpsync`, with a configuration written for each run. */
export const ftpsync: SyncMethod = {
  name: 'ftpsync',
  tools: ({ options }) => [
    { command: 'ftpsync', debian: 'ftpsync' },
    { command: (options as Options<'ftpsync'>).extra?.RSYNC ?? 'rsync', debian: 'rsync' },
  ],
  check: (pkg) => [
    ...sourceFindings(pkg),
    ...pathFindings(pkg),
    ...optionFindings(pkg),
    ...networkFindings(pkg),
  ],
  checkNested: (pkg) => clearedScriptFilters(pkg, RSYNC_WORDS),
  steps: (pkg, context) => {
    const from = daemonModule(context.source, (pkg.options as Options<'ftpsync'>).path);
    // A source that `check` refused compiles to nothing that runs.
    if (from === null) return [{ kind: 'require-directory', path: pkg.dst }];
    const { work } = context;
    const options = pkg.options as Options<'ftpsync'>;
    return [
      { kind: 'require-directory', path: pkg.dst },
      workDirectory(context),
      { kind: 'make-directory', path: `${work}/.config/ftpsync`, empty: true },
      ...passwordFile(pkg, context.source, `${work}/password`),
      privateFile(`${work}/.config/ftpsync/ftpsync-${ARCHIVE}.conf`, ftpsyncConf(pkg, context, from)),
      {
        kind: 'exec',
        tool: 'ftpsync',
        argv: ['ftpsync', `sync:archive:${ARCHIVE}`],
        // Its words are split and matched against the files of where it is: there are none of upstream's here.
        cwd: work,
        // `runmirrors`, which a hub calls at its end, goes there and has no default for it.
        env: { HOME: work, ...(options.hub ? { BASEDIR: work } : {}) },
        push_words: { allow: STAGES },
        gather: logDirectory(pkg, context),
        leftovers: [`${pkg.dst}/Archive-Update-in-Progress-${context.site.hostname}`],
        ...accepted(pkg),
        ...(context.fallback ? {} : { undo: undoDirectory(pkg.dst) }),
      },
      ...proveArchive(context, null, filtersOf(pkg, context)),
    ];
  },
};

/** The index and the packages of an architecture are left out together, so only words of the site's need a look. */
function filtersOf(pkg: Package, { site }: MethodContext): ArchiveFilters {
  const { arch_include, arch_exclude, extra = {} } = pkg.options as Options<'ftpsync'>;
  const words = RSYNC_WORDS.flatMap((name) => (extra[name] ?? '').split(' ')).filter(Boolean);
  const settings = [arch_include, arch_exclude, site.ftpsync.include, site.ftpsync.exclude];
  return { exclude: [], words, settings: settings.map((value) => value ?? '') };
}

function sourceFindings(pkg: Package): PackageFinding[] {
  const { path } = pkg.options as Options<'ftpsync'>;
  const help = 'give `rsync://host/module`, `host::module`, or a host name and `path`';
  return refusedSources(pkg, help, (source) =>
    daemonModule(source, path) === null ? ['source-scheme', unreadable(source)] : null,
  );
}

function unreadable({ url, publicUrl }: Source): string {
  const scheme = schemeOf(url);
  if (scheme !== undefined && scheme !== 'rsync') return `ftpsync does not speak \`${scheme}\``;
  return `ftpsync cannot tell host and module of \`${publicUrl}\``;
}

function pathFindings(pkg: Package): PackageFinding[] {
  if (!NOT_IN_PATHS.test(pkg.dst)) return [];
  const message = 'ftpsync is a shell script that splits its paths at blanks, and looks for files at `*?[]`';
  return [mistake('path-characters', '/settings/dst', message, 'use a path without them')];
}

function optionFindings(pkg: Package): PackageFinding[] {
  const options = pkg.options as Options<'ftpsync'>;
  const { arch_include = '', arch_exclude = '', extra = {} } = options;
  const findings: PackageFinding[] = [];
  if (arch_include !== '' && arch_exclude !== '') {
    const message = 'ftpsync takes `arch_include` or `arch_exclude`, not both';
    const help = 'remove `arch_exclude`: what is not included is left out';
    const at = '/settings/options/arch_exclude';
    findings.push({ ...mistake('two-architecture-lists', at, message, help), target: 'key' });
  }
  const known = (options.user ?? '') !== '' || /^(rsync:\/\/)?[^/@]+@/.test(pkg.sources[0]?.url ?? '');
  if (pkg.password !== null && !known) {
    const message = 'there is a password but no user';
    const help = 'name the user of the rsync daemon in `user`';
    findings.push(mistake('password-without-user', '/settings', message, help));
  }
  for (const name of RSYNC_WORDS) {
    const words = (extra[name] ?? '').split(' ');
    // Of its passes only the second one has the delete limit.
    const refused = name === 'RSYNC_OPTIONS2' ? [] : [ALL_DELETES];
    const place = (): string => `extra/${name}`;
    findings.push(...wordFindings(words.filter(Boolean), place, refused));
  }
  return findings;
}

/** Settings that ftpsync, or its rsync, has no way to honour. */
function networkFindings(pkg: Package): PackageFinding[] {
  const { proxy, caFile, ssh, bind } = pkg.network;
  const options = pkg.options as Options<'ftpsync'>;
  const findings: PackageFinding[] = [];
  if (caFile !== null) {
    const help = 'remove it; over TLS ftpsync trusts the directory `extra.RSYNC_SSL_CAPATH`';
    findings.push(unsupported('ca_file', 'ftpsync takes a directory of certificates, not a file', help));
  }
  findings.push(...rsyncProxyFindings(pkg.network));
  if (isDirect(options)) return findings;
  const message = 'ftpsync starts ssh or a tunnel of its own, which are not told this';
  if (proxy !== null) findings.push(unsupported('proxy', message));
  if (bind !== null) findings.push(unsupported('bind', message));
  if (options.extra?.RSYNC_TRANSPORT === 'ssh' && (ssh.key ?? ssh.knownHosts ?? ssh.port) !== null)
    findings.push(unsupported('ssh', message, 'set it in ssh_config'));
  return findings;
}
