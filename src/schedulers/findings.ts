import type { Finding } from '../diagnostics/diagnostic.js';
import { DEFAULTS } from '../model/defaults.js';
import type { Package, Site } from '../model/site.js';

/** What both schedulers refuse: the program's path is the one free text in Exec and cron lines. */
export function executableFindings(executable: string): Finding[] {
  if (/^\/[\w.+@/ -]{1,250}$/.test(executable) && !/ $/.test(executable)) return [];
  return [
    {
      code: 'bad-executable',
      severity: 'error',
      message: `\`${executable.slice(0, 100)}\` cannot be called from units and cron lines`,
      help: 'set `settings.executable` to an absolute path of letters, digits, blanks and `._+@-/`, at most 250 long',
    },
  ];
}

/** What only systemd can do for a package; `what` goes on after the scheduler's name. */
const ONLY_SYSTEMD: readonly {
  readonly code: string;
  readonly what: string;
  readonly concerns: (pkg: Package) => boolean;
}[] = [
  {
    code: 'cpu-io',
    what: 'cannot enforce `cpu_weight` and `io_weight`',
    concerns: ({ resources }) => resources.cpuWeight !== null || resources.ioWeight !== null,
  },
  {
    code: 'memory',
    what: 'cannot enforce `memory_high`, `memory_max` and `tasks_max`',
    // What every package has by default is no wish of the operator's.
    concerns: ({ resources: { memoryHigh, memoryMax, tasksMax } }) =>
      memoryHigh !== DEFAULTS.resources.memoryHigh ||
      memoryMax !== null ||
      tasksMax !== DEFAULTS.resources.tasksMax,
  },
  {
    code: 'addresses',
    what: 'cannot enforce `network.deny`',
    concerns: ({ network }) => network.deny.length > 0,
  },
  {
    code: 'sandbox',
    what: 'has no sandbox',
    concerns: ({ sandbox }) => sandbox !== 'off',
  },
];

/** What another scheduler than systemd cannot enforce of the config: warnings, one for each kind. */
export function unenforced(scheduler: 'cron' | 'daemon', site: Site): Finding[] {
  const name = scheduler === 'cron' ? 'cron' : 'the daemon';
  return ONLY_SYSTEMD.flatMap(({ code, what, concerns }): Finding[] => {
    const ids = site.packages.filter(concerns).map(({ id }) => id);
    if (ids.length === 0) return [];
    const help = 'use `"scheduler": "systemd"` where it matters';
    return [
      { code: `${scheduler}-${code}`, severity: 'warning', message: `${name} ${what}: ${some(ids)}`, help },
    ];
  });
}

/** Some names of a list for a message: the first few, and how many more. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `\`${name}\``);
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
