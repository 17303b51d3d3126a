import type { Finding } from '../../diagnostics/diagnostic.js';
import type { Package, Site } from '../../model/site.js';
import { executableFindings, some } from '../findings.js';
import type { SchedulerContext } from '../scheduler.js';

/** What cron cannot do for a package, and what to do about it. */
const UNENFORCED: readonly {
  readonly code: string;
  readonly what: string;
  readonly concerns: (pkg: Package) => boolean;
}[] = [
  {
    code: 'cron-cpu-io',
    what: 'cron cannot enforce `cpu_weight` and `io_weight`',
    concerns: ({ resources }) => resources.cpuWeight !== null || resources.ioWeight !== null,
  },
  {
    code: 'cron-memory',
    what: 'cron cannot enforce `memory_high` and `memory_max`',
    concerns: ({ resources }) => resources.memoryHigh !== null || resources.memoryMax !== null,
  },
  {
    code: 'cron-sandbox',
    what: 'cron has no sandbox',
    concerns: ({ sandbox }) => sandbox !== 'off',
  },
];

/** What a cron line cannot hold (errors) and what cron cannot enforce (warnings, one for each kind). */
export function findings(site: Site, { executable }: SchedulerContext): Finding[] {
  const warnings = UNENFORCED.flatMap(({ code, what, concerns }): Finding[] => {
    const ids = site.packages.filter(concerns).map(({ id }) => id);
    if (ids.length === 0) return [];
    const help = 'use `"scheduler": "systemd"` where it matters';
    return [{ code, severity: 'warning', message: `${what}: ${some(ids)}`, help }];
  });
  return [...executableFindings(executable), ...warnings];
}
