import type { Package } from '../../model/site.js';
import type { Scheduler } from '../scheduler.js';
import { cronFile } from './file.js';
import { findings } from './findings.js';

/** One file for all packages; cron sets neither niceness nor I/O class, so words in front of the tool do. */
export const crontab: Scheduler = {
  name: 'crontab',
  unit: () => null,
  prefix: ({ resources }) => [...nice(resources), ...ionice(resources)],
  findings,
  artifacts: (site, context) => [
    {
      kind: 'file',
      path: context.layout.cronFile,
      mode: 0o644,
      content: cronFile(site, context),
      package: null,
    },
  ],
};

/** ionice(1)'s numbers. */
const CLASSES = { realtime: 1, 'best-effort': 2, idle: 3 } as const;

function nice({ nice }: Package['resources']): string[] {
  return nice === 0 ? [] : ['nice', '-n', String(nice)];
}

function ionice({ io }: Package['resources']): string[] {
  return [
    'ionice',
    '-c',
    String(CLASSES[io.class]),
    ...(io.class === 'idle' ? [] : ['-n', String(io.level)]),
  ];
}
