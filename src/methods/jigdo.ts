import { JIGDO_DIRECTORY } from '../job/never-upstream.js';
import type { ExecStep } from '../job/step.js';
import type { Package, Source } from '../model/site.js';
import { parseSource } from '../model/source.js';
import { countClosed } from './closed.js';
import { mistake } from './findings.js';
import { privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { clearedFilters } from './nested.js';
import { upstreamHosts, wgetSettings } from './redirects.js';
import { connectionFindings } from './rsync-connection.js';
import { ALL_DELETES, exitFindings, sourceFindings, wordListFindings } from './rsync-findings.js';
import { DRY_RUN, MODES, onePass } from './rsync-pass.js';
import { rsync } from './rsync.js';
import { traceFile, traceFindings, traceSteps } from './trace.js';

/** mirror.py's, upstream's permissions, and no links that lead out of the tree. */
const BASE = ['--recursive', '--times', '--links', '--safe-links', '--hard-links', ...MODES];

/**
 * No cache: a checksum that jigdo-file 0.8 reads from it is garbage, so a file that is in two images is in neither, and an
 * image that failed once fails for ever.
 */
const JIGDO_FILE = 'jigdo-file --report=noprogress --no-check-files';

/** Seconds to wait for a connection to a daemon: no option says. */
const CONNECT_TIMEOUT = 60;

/** Debian's jigdo files name `us.cdimage.debian.org` for packages that archives have dropped. */
const SNAPSHOTS = ['debian.org'];

/** Seconds without data after which wget gives a file up. */
const DOWNLOAD_TIMEOUT = 120;

/**
 * Debian's CD images (debian.org/CD/mirroring): rsync brings everything but the images, jigdo-mirror makes these from the
 * files of an archive, and a last rsync brings those that are small or cannot be made.
 */
export const jigdo: SyncMethod = {
  name: 'jigdo',
  tools: (pkg) => {
    const { rsync_bin, jigdo_mirror_bin } = pkg.options as Options<'jigdo'>;
    return [
      { command: rsync_bin, debian: 'rsync' },
      ...rsync.tools(pkg).filter(({ command }) => command !== 'rsync'),
      { command: jigdo_mirror_bin, debian: 'jigdo-file' },
      { command: 'jigdo-file', debian: 'jigdo-file' },
      { command: 'wget', debian: 'wget' },
    ];
  },
  check: (pkg) => {
    const options = pkg.options as Options<'jigdo'>;
    return [
      ...sourceFindings(pkg),
      ...pathFindings(pkg),
      ...traceFindings(options),
      ...wordListFindings('extra_rsync_args', options.extra_rsync_args, ALL_DELETES),
      ...exitFindings(pkg),
      ...connectionFindings(pkg),
    ];
  },
  checkNested: clearedFilters,
  steps: (pkg, context) => {
    const options = pkg.options as Options<'jigdo'>;
    const { work } = context;
    const protect = `${work}/images.rules`;
    return [
      { kind: 'require-directory', path: pkg.dst },
      workDirectory(context),
      privateFile(`${work}/.wgetrc`, [wgetrc(pkg, context.source)]),
      // Filled by the images' step; a dry run reads it as it is here.
      privateFile(protect, ['']),
      pass(pkg, context, {
        base: [],
        filters: options.template_excludes.map((pattern) => `--exclude=${pattern}`),
      }),
      {
        kind: 'jigdo-images',
        tool: 'jigdo',
        argv: [options.jigdo_mirror_bin],
        cwd: work,
        env: { HOME: work },
        jigdo_file: options.jigdo_file ?? JIGDO_FILE,
        debian_mirror: options.debian_mirror,
        work,
        temporary: `${pkg.dst}/${JIGDO_DIRECTORY}`,
        protect,
      },
      pass(pkg, context, {
        base: ['--size-only', `--filter=merge ${protect}`],
        filters: [...options.final_includes.map((pattern) => `--include=${pattern}`), '--exclude=*.iso'],
      }),
      { kind: 'count-images' },
      ...traceSteps(pkg, hostname(options, context)),
      countClosed(pkg),
    ];
  },
};

/** One rsync over the whole tree; its filters come after the site's own arguments, as mirror.py has them. */
function pass(
  pkg: Package,
  context: MethodContext,
  { base, filters }: { readonly base: readonly string[]; readonly filters: readonly string[] },
): ExecStep {
  const options = pkg.options as Options<'jigdo'>;
  const { timeout, user } = options;
  const step = onePass(
    {
      pkg,
      source: context.source,
      base: [...BASE, ...base],
      exclude: [
        `Archive-Update-in-Progress-${hostname(options, context)}`,
        `/${traceFile(options, hostname(options, context))}`,
        `/${JIGDO_DIRECTORY}/`,
      ],
      extra: [...options.extra_rsync_args, ...filters],
      deletion: ['--delete', '--delete-after'],
      connection: { timeout, contimeout: CONNECT_TIMEOUT, ...(user === undefined ? {} : { user }) },
    },
    !context.fallback,
  );
  const argv = [options.rsync_bin, ...step.argv.slice(1)];
  return { ...step, argv, dry_run: { at: argv.length - 2, remove: 0, words: DRY_RUN } };
}

function hostname({ hostname: own }: Options<'jigdo'>, { site }: MethodContext): string {
  return own ?? site.hostname;
}

/** wget's own patience is a quarter of an hour, twenty times over. */
function wgetrc(pkg: Package, source: Source): string {
  const { timeout, debian_mirror: url } = pkg.options as Options<'jigdo'>;
  const { network } = pkg;
  const archive = parseSource(url).source.host;
  const hosts = upstreamHosts(pkg, source, [...(archive === null ? [] : [archive]), ...SNAPSHOTS]);
  const web = wgetSettings(pkg, { url, hosts, proxy: null });
  return [
    `timeout = ${String(Math.min(timeout, DOWNLOAD_TIMEOUT))}`,
    'tries = 3',
    ...(network.family === 'any' ? [] : [`inet${network.family === 'ipv4' ? '4' : '6'}_only = on`]),
    ...(network.bind === null ? [] : [`bind_address = ${network.bind}`]),
    ...Object.entries(web).map(([key, value]) => `${key} = ${value}`),
    '',
  ].join('\n');
}

/** dst becomes part of a pattern of sed and of words of the shell in jigdo-mirror. */
function pathFindings({ dst }: Package): PackageFinding[] {
  if (/^[A-Za-z0-9._/+:@,=~-]+$/.test(dst)) return [];
  const message =
    'jigdo-mirror is a shell script that takes plain letters, digits and `._+:@,=~-` in paths only';
  return [mistake('path-characters', '/settings/dst', message, 'use a path without others')];
}
