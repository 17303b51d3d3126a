import { niceness } from '../niceness.js';
import type { Scheduler } from '../scheduler.js';
import { cronFile } from './file.js';
import { findings } from './findings.js';

/** One file for all packages; cron sets neither niceness nor I/O class, so words in front of the tool do. */
export const crontab: Scheduler = {
  name: 'crontab',
  unit: () => null,
  prefix: niceness,
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
