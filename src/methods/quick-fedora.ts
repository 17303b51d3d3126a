import type { FileList, ListChangesStep } from '../job/list-step.js';
import { rsyncPattern } from '../job/rsync-pattern.js';
import { rsyncFilters } from '../job/never-upstream.js';
import type { ExecStep, Step } from '../job/step.js';
import { seconds } from '../model/normalize-policy.js';
import type { Package, Source } from '../model/site.js';
import { mistake } from './findings.js';
import { isListPattern, listPattern } from './list-patterns.js';
import { countClosed } from './closed.js';
import { accepted, cacheDirectory, privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { clearedFilters, rsyncSpares } from './nested.js';
import { connection, connectionFindings } from './rsync-connection.js';
import { ALL_DELETES, exitFindings, sourceFindings, wordListFindings } from './rsync-findings.js';
import {
  DELETE_LIMIT,
  DRY_RUN,
  PLAIN_MODES,
  STATS,
  TEMPORARY,
  ownWords,
  stalls,
  undoDirectory,
  undoWords,
  withSlash,
} from './rsync-pass.js';
import { rsync } from './rsync.js';

type QuickFedoraOptions = Options<'quick-fedora'>;

/**
 * rsync of what upstream's `fullfiletimelist-*` says has changed since the list in dst, as Fedora's quick-fedora-mirror
 * does it: no walk on either side. Without a list that makes sense it is a full rsync.
 */
export const quickFedora: SyncMethod = {
  name: 'quick-fedora',
  tools: (pkg) => rsync.tools(pkg),
  check: (pkg) => [
    ...sourceFindings(pkg),
    ...listFindings(pkg.options as QuickFedoraOptions),
    ...wordListFindings('extra_args', (pkg.options as QuickFedoraOptions).extra_args, ALL_DELETES),
    ...exitFindings(pkg),
    ...connectionFindings(pkg),
  ],
  checkNested: clearedFilters,
  steps: (pkg, context) => {
    const require: Step = { kind: 'require-directory', path: pkg.dst };
    const { work, cache, source, fallback } = context;
    if (fallback) {
      // Another source may lag behind: nothing is deleted, and what dst holds is told by no list until the first one is back.
      const forget: Step = { kind: 'make-directory', path: cache, empty: true };
      return [require, forget, fullPass(pkg, source, 'keep')];
    }
    const compare = listChanges(pkg, context);
    return [
      require,
      cacheDirectory(context),
      workDirectory(context),
      privateFile(`${work}/lists`, [
        listNames(pkg.options as QuickFedoraOptions, sourceParts(source.url).prefix),
      ]),
      compare,
      { ...changedPass(pkg, source, compare.transfer), only_with: compare.transfer },
      { ...fullPass(pkg, source, 'unlisted', compare.unwanted), only_with: compare.unwanted },
      { ...fullPass(pkg, source, 'delete'), only_with: compare.full },
      { kind: 'verify-listed', list: compare.verify },
      { kind: 'delete-listed', list: compare.deletions },
      { kind: 'install-lists', fetched: compare.fetched, summary: compare.summary, record: compare.record },
      countClosed(pkg),
    ];
  },
};

function listChanges(pkg: Package, { source, work, cache }: MethodContext): ListChangesStep {
  const options = pkg.options as QuickFedoraOptions;
  const { flags, env, secret } = connection(pkg, source, options);
  const argv = ['rsync', '--times', '--compress', '-ii', '--out-format=%i %n', '--ignore-missing-args'];
  return {
    kind: 'list-changes',
    tool: 'rsync',
    argv: [
      ...argv,
      `--compare-dest=${withSlash(pkg.dst)}`,
      `--files-from=${work}/lists`,
      ...flags,
      sourceParts(secret.url).root,
      'fetched/',
    ],
    cwd: work,
    ...env,
    ...secret.stdin,
    lists: fileLists(options),
    extra: extraFiles(options),
    fetched: `${work}/fetched`,
    compare: argv.length,
    restricted: options.restricted,
    exclude: [...(pkg.nested ?? []).map(rsyncPattern), ...options.exclude].map(listPattern),
    full_every: seconds(options.full_every),
    record: `${cache}/lists.json`,
    prefix: sourceParts(source.url).prefix,
    transfer: `${work}/transfer`,
    deletions: `${work}/deletions`,
    unwanted: `${work}/unwanted`,
    verify: `${work}/verify`,
    full: `${work}/full`,
    summary: `${work}/summary.json`,
  };
}

/** What the list of changes names, and nothing else; a directory may have become a file. */
function changedPass(pkg: Package, source: Source, transfer: string): ExecStep {
  const { words, ends } = passWords(pkg, source);
  const { url, ...rest } = ends;
  const argv = [
    'rsync',
    '-vlptSH',
    PLAIN_MODES,
    ...undoWords(pkg.dst),
    ...words,
    '--from0',
    `--files-from=${transfer}`,
  ];
  return {
    ...rest,
    kind: 'exec',
    tool: 'rsync',
    argv: [...argv, sourceParts(url).root, withSlash(pkg.dst)],
    delete_limit: DELETE_LIMIT,
    undo: undoDirectory(pkg.dst),
  };
}

/**
 * The whole of the modules, walked on both sides. What upstream has not: is deleted, or kept, or kept until the lists,
 * which also say what is `unwanted`, tell what is to be deleted.
 */
function fullPass(
  pkg: Package,
  source: Source,
  others: 'delete' | 'keep' | 'unlisted',
  unwanted?: string,
): ExecStep {
  const options = pkg.options as QuickFedoraOptions;
  const { words, ends } = passWords(pkg, source);
  const own = [...fileLists(options).map(({ file }) => file), ...extraFiles(options)];
  const argv = [
    'rsync',
    ...rsyncFilters([]),
    '-vrlptSH',
    PLAIN_MODES,
    '--relative',
    ...rsyncSpares(pkg),
    ...TEMPORARY,
    // Installed after the pass, so that they never claim more than dst holds.
    ...own.map((file) => `--exclude=/${file}`),
    ...options.exclude.map((pattern) => `--exclude=${pattern}`),
    ...(unwanted === undefined ? [] : ['--from0', `--exclude-from=${unwanted}`]),
    ...(others === 'delete' ? ['--delete-delay'] : []),
    ...(others === 'keep' ? [] : undoWords(pkg.dst)),
    ...words,
  ];
  const { url, ...rest } = ends;
  return {
    ...rest,
    kind: 'exec',
    tool: 'rsync',
    // What follows `/./` is the path in dst.
    argv: [...argv, ...fileLists(options).map(({ directory }) => `${url}./${directory}`), withSlash(pkg.dst)],
    ...(others === 'keep' ? {} : { delete_limit: DELETE_LIMIT, undo: undoDirectory(pkg.dst) }),
    ...(others === 'unlisted' ? {} : { dry_run: { at: argv.length, remove: 0, words: DRY_RUN } }),
  };
}

/** What both passes have in common. */
function passWords(
  pkg: Package,
  source: Source,
): {
  words: readonly string[];
  ends: Pick<ExecStep, 'env' | 'stdin_secret' | 'accept' | 'stall'> & { readonly url: string };
} {
  const options = pkg.options as QuickFedoraOptions;
  const { flags, env, secret } = connection(pkg, source, options);
  return {
    words: [
      '--partial',
      '--delay-updates',
      ...(options.safe_links ? ['--safe-links'] : []),
      ...flags,
      ...ownWords(options.bwlimit, options.extra_args),
      ...STATS,
    ],
    ends: {
      url: withSlash(secret.url),
      ...env,
      ...secret.stdin,
      ...accepted(pkg),
      ...stalls({ source, connection: options }),
    },
  };
}

/**
 * A daemon's module and the directory in it. A daemon without chroot of rsync 3.5.0 looks for files that are named by
 * --files-from in the wrong place when the source is a directory of the module, so they are named from the module on.
 */
function sourceParts(url: string): { root: string; prefix: string } {
  const [, module, path = ''] = /^(rsync:\/\/[^/]+\/[^/]+|[^/:\s]+::[^/]+)(\/.*)?$/.exec(url) ?? [];
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (module === undefined || parts.length === 0) return { root: withSlash(url), prefix: '' };
  return { root: `${module}/`, prefix: `${parts.join('/')}/./` };
}

function fileLists(options: QuickFedoraOptions): FileList[] {
  const { modules, list } = options;
  if (modules.length === 0) return [{ file: list, directory: '' }];
  return modules.map((module) => ({ file: `${module}/${named(list, module)}`, directory: `${module}/` }));
}

function extraFiles(options: QuickFedoraOptions): string[] {
  const { modules, extra_files } = options;
  if (modules.length === 0) return extra_files.filter((name) => !name.includes('{module}'));
  return modules.flatMap((module) => extra_files.map((name) => `${module}/${named(name, module)}`));
}

function listNames(options: QuickFedoraOptions, prefix: string): string {
  const names = [...fileLists(options).map(({ file }) => file), ...extraFiles(options)];
  return names.map((name) => `${prefix}${name}\n`).join('');
}

function named(name: string, module: string): string {
  return name.replaceAll('{module}', module.slice(module.lastIndexOf('/') + 1));
}

function listFindings(options: QuickFedoraOptions): PackageFinding[] {
  const { modules, list, extra_files, exclude } = options;
  const findings: PackageFinding[] = [];
  const refuse = (at: string, code: string, message: string, help: string): void => {
    findings.push(mistake(code, `/settings/options${at}`, message, help));
  };
  if (modules.length === 0 && list.includes('{module}')) {
    const help = 'name the directories in `modules`, or the list in `list`: `fullfiletimelist-rocky`';
    refuse('', 'list-name', 'which file list upstream has is not said', help);
  }
  modules.forEach((module, index) => {
    if (!modules.some((other) => module.startsWith(`${other}/`))) return;
    const message = `\`${module}\` lies in another module`;
    refuse(`/modules/${String(index)}`, 'nested-module', message, 'a file can be in one list only');
  });
  for (const name of [list, ...extra_files]) {
    if (/^\.{0,2}$/.test(name)) refuse('', 'list-name', `\`${name}\` is no file name`, 'name a file');
  }
  exclude.forEach((pattern, index) => {
    if (isListPattern(pattern)) return;
    const message = `a file list cannot be filtered by \`${pattern}\``;
    const help = 'give a plain pattern: names, `*`, `**`, `?` and `[…]`, with `/` in front or behind';
    refuse(`/exclude/${String(index)}`, 'list-pattern', message, help);
  });
  return findings;
}
