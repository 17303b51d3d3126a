import type { Schedule } from '../../job/schedule.js';
import { hashedPhase } from '../../model/phase.js';
import type { Package, Site } from '../../model/site.js';
import { onCalendar } from './calendar.js';
import { unitName } from './escape.js';
import { templates } from './templates.js';

/** From this version a timer that elapses during a run can wait for its next time instead of firing right after it. */
const DEFER_REACTIVATION = 257;

/** `mirror-sync-<id>.timer`, or null for a schedule without slots. */
export function packageTimer(site: Site, pkg: Package, schedule: Schedule): string | null {
  if (schedule.rule.kind === 'none') return null;
  return templates.timer({
    config: site.configPath,
    unit: `${unitName(pkg.id)}.timer`,
    description: `Schedule of ${pkg.name} (${pkg.id})`,
    calendar: onCalendar(schedule.rule).lines,
    boot: null,
    accuracy: '1s',
    deferReactivation: site.settings.systemd.version >= DEFER_REACTIVATION,
  });
}

/** `mirror-tick.timer`: every quarter of an hour, and after a boot. */
export function tickTimer(site: Site): string {
  const offset = hashedPhase(site.node, 'mirror-tick', 15, [], 'UTC');
  return templates.timer({
    config: site.configPath,
    unit: 'mirror-tick.timer',
    description: `Status of ${site.mirrorname}, every 15 minutes`,
    calendar: onCalendar({ kind: 'interval', every: 900, phase: offset * 60 }).lines,
    // A reboot leaves runs behind that nobody ended.
    boot: '1min',
    accuracy: '1min',
    deferReactivation: false,
  });
}
