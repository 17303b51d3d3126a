import type { Job } from '../../job/job.js';
import type { Site } from '../../model/site.js';
import { latestTick } from './times.js';

/**
 * What a person should know where cron goes by the clock of `host` (a time zone) and that is off the site's by a part of
 * an hour: packages whose hour of the day matters start late, and with a window perhaps not at all. Null: nothing.
 */
export function lateByClock(site: Site, jobs: ReadonlyMap<string, Job>, host: string): string | null {
  const { scheduler, localtimezone } = site.settings;
  if (scheduler !== 'crontab' || host === localtimezone) return null;
  let latest = 0;
  const late = [...jobs.values()].flatMap(({ id, schedule: { rule, windows } }) => {
    if (rule.kind === 'none' || (rule.kind === 'interval' && windows.length === 0)) return [];
    const minutes = latestTick(rule, localtimezone, host);
    latest = Math.max(latest, minutes);
    return minutes === 0 ? [] : [windows.length > 0 ? `${id} (window)` : id];
  });
  if (late.length === 0) return null;
  const some = late.slice(0, 5).join(', ') + (late.length > 5 ? ', …' : '');
  return `cron goes by this host's clock (${host}), which is off that of ${localtimezone} by a part of an hour: up to ${String(latest)} minutes late, and at a window's end not at all: ${some}`;
}
