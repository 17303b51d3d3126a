import type { Artifact } from '../../compile/artifact.js';
import type { Scheduler } from '../scheduler.js';
import { controlUnits } from './control.js';
import { unitName } from './escape.js';
import { findings } from './findings.js';
import { notifyUnits } from './notify.js';
import { packageSandbox } from './sandbox.js';
import { packageService, slice, tickService } from './service.js';
import { packageTimer, tickTimer } from './timer.js';

/**
 * A service and, where there is a schedule, a timer for each package; enablement is the link in timers.target.wants,
 * sockets.target.wants for the control sockets, and paths.target.wants for the notices.
 * Whether a package is held is not in its units: a hold must survive an apply, and apply must not see one as a change.
 */
export const systemd: Scheduler = {
  name: 'systemd',
  unit: (id) => `${unitName(id)}.service`,
  prefix: () => [],
  findings,
  artifacts: (site, context) => {
    const { layout, executable, jobs } = context;
    const artifacts: Artifact[] = [];
    const add = (name: string, content: string, id: string | null): void => {
      artifacts.push({ kind: 'file', path: `${layout.units}/${name}`, mode: 0o644, content, package: id });
    };
    const enable = (name: string, id: string | null): void => {
      const target = `${name.slice(name.lastIndexOf('.') + 1)}s.target`;
      const path = `${layout.units}/${target}.wants/${name}`;
      artifacts.push({ kind: 'link', path, target: `../${name}`, package: id });
    };
    const wallsOf = packageSandbox(site.settings, layout);
    for (const pkg of site.packages) {
      const job = jobs.get(pkg.id);
      if (!job) continue;
      const name = unitName(pkg.id);
      add(`${name}.service`, packageService(site, pkg, job, wallsOf(pkg, job), executable), pkg.id);
      const timer = packageTimer(site, pkg, job.schedule);
      if (timer === null) continue;
      add(`${name}.timer`, timer, pkg.id);
      enable(`${name}.timer`, pkg.id);
    }
    add('mirror.slice', slice(site), null);
    add('mirror-tick.service', tickService(site, context), null);
    add('mirror-tick.timer', tickTimer(site), null);
    enable('mirror-tick.timer', null);
    for (const [unit, content] of [...controlUnits(site, context), ...notifyUnits(site, context)]) {
      add(unit, content, null);
      if (/\.(socket|path)$/.test(unit)) enable(unit, null);
    }
    return artifacts;
  },
};
