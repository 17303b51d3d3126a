import type { Package, Source } from '../model/site.js';
import type { Options, SyncMethod } from './method.js';
import { clearedFilters } from './nested.js';
import { endpoint, connectionFindings } from './rsync-connection.js';
import {
  OTHER_DELETES,
  STAGES_OWN,
  exitFindings,
  markerFindings,
  sourceFindings,
  wordFindings,
  wordListFindings,
} from './rsync-findings.js';
import { MODES, onePass, ownWords, withPrecheck } from './rsync-pass.js';
import type { Pass } from './rsync-pass.js';
import { stageSets, stagedSteps } from './rsync-stages.js';
import type { StageSet } from './rsync-stages.js';

/**
 * mirror.py's letters without its `D`: verbose, recursive, links, times, sparse, hard links. A public mirror has no devices,
 * FIFOs or sockets, and one that an upstream makes up would keep waiting every program that opens it.
 */
const BASE_LETTERS = 'vrltSH';

/** rsync from a daemon, over ssh, or from a path of this host; in one pass or in stages. */
export const rsync: SyncMethod = {
  name: 'rsync',
  tools: (pkg) => [
    { command: 'rsync', debian: 'rsync' },
    ...(pkg.sources.some((source) => endpoint(source.url) === 'ssh')
      ? [{ command: 'ssh', debian: 'openssh-client' }]
      : []),
  ],
  check: (pkg) => {
    const { base_args, extra_args, option_include = '', stage_set } = pkg.options as Options<'rsync'>;
    const refused = stage_set === undefined ? OTHER_DELETES : STAGES_OWN;
    const letters = option_include === '' ? [] : [`-${option_include}`];
    return [
      ...sourceFindings(pkg),
      ...markerFindings(pkg),
      ...wordListFindings('base_args', base_args, refused),
      ...wordListFindings('extra_args', extra_args, refused),
      ...wordFindings(letters, () => 'option_include', [refused]),
      ...exitFindings(pkg),
      ...connectionFindings(pkg),
    ];
  },
  checkNested: clearedFilters,
  steps: (pkg, context) => {
    const pass = passOf(pkg, context.source);
    const set = stageSet(pkg.options as Options<'rsync'>);
    const steps = set === null ? [onePass(pass, !context.fallback)] : stagedSteps(pass, set, context);
    return withPrecheck(pass, context.fallback, steps);
  },
};

function passOf(pkg: Package, source: Source): Pass {
  const options = pkg.options as Options<'rsync'>;
  return {
    pkg,
    source,
    base: options.base_args ?? baseArgs(options),
    exclude: options.exclude ?? [],
    extra: ownWords(options.bwlimit, options.extra_args),
    deletion: ['--delete-delay'],
    connection: options,
  };
}

function baseArgs({ option_exclude = '', option_include = '', safe_links }: Options<'rsync'>): string[] {
  let letters = BASE_LETTERS;
  for (const letter of option_exclude) letters = letters.replace(letter, '');
  for (const letter of option_include) if (!letters.includes(letter)) letters += letter;
  return [
    `-${letters}`,
    ...(option_exclude.includes('p') ? [] : MODES),
    '--partial',
    '--delay-updates',
    ...(safe_links ? ['--safe-links'] : []),
  ];
}

/** The set that `stage_set` names or spells out; null: all in one pass. */
function stageSet({ stage_set }: Options<'rsync'>): StageSet | null {
  if (stage_set === undefined) return null;
  if (typeof stage_set === 'string') return stageSets.get(stage_set) ?? null;
  return { index: stage_set.index, early: stage_set.early ?? [], last: stage_set.last ?? [] };
}
