import { hashedPhase } from '../../model/phase.js';
import type { Package, Site } from '../../model/site.js';
import type { ActiveRule } from '../ticks.js';
import { onCalendar } from './calendar.js';
import { unitName } from './escape.js';
import { Hole, stencil } from './stencil.js';
import { quotes, templates } from './templates.js';

/** From this version a timer that elapses during a run can wait for its next time instead of firing right after it. */
const DEFER_REACTIVATION = 257;

/** Packages' timers by what many of them share. */
const form = stencil(
  (shared: { readonly config: string; readonly deferReactivation: boolean }) =>
    templates.timer({
      ...shared,
      unit: new Hole('unit'),
      description: new Hole('description'),
      calendar: [new Hole('calendar')],
      boot: null,
      accuracy: '1s',
    }),
  quotes,
);

/** `mirror-sync-<id>.timer`. */
export function packageTimer(site: Site, pkg: Package, rule: ActiveRule): string {
  const shared = {
    config: site.configPath,
    deferReactivation: site.settings.systemd.version >= DEFER_REACTIVATION,
  };
  return form(shared, {
    unit: `${unitName(pkg.id)}.timer`,
    description: `Schedule of ${pkg.name} (${pkg.id})`,
    // One hole for however many lines.
    calendar: onCalendar(rule).lines.join('\nOnCalendar='),
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
