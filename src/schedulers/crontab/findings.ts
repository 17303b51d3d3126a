import type { Finding } from '../../diagnostics/diagnostic.js';
import type { Site } from '../../model/site.js';
import { executableFindings, unenforced } from '../findings.js';
import type { SchedulerContext } from '../scheduler.js';

/** What a cron line cannot hold (errors) and what cron cannot enforce (warnings, one for each kind). */
export function findings(site: Site, { executable }: SchedulerContext): Finding[] {
  return [...executableFindings(executable), ...unenforced('cron', site)];
}
