import { RenderedFile, type Artifact } from '../../compile/artifact.js';
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
    const add = (name: string, id: string | null, render: () => string): void => {
      artifacts.push(new RenderedFile(`${layout.units}/${name}`, id, render));
    };
    const enable = (name: string, id: string | null): void => {
      const target = `${name.slice(name.lastIndexOf('.') + 1)}s.target`;
      const path = `${layout.units}/${target}.wants/${name}`;
      artifacts.push({ kind: 'link', path, target: `../${name}`, package: id });
    };
    const wallsOf = packageSandbox(site.settings, layout, context.nameServers);
    for (const pkg of site.packages) {
      const job = jobs.get(pkg.id);
      if (!job) continue;
      const name = unitName(pkg.id);
      add(`${name}.service`, pkg.id, () => packageService(site, pkg, job, wallsOf(pkg, job), executable));
      const { rule } = job.schedule;
      if (rule.kind === 'none') continue;
      add(`${name}.timer`, pkg.id, () => packageTimer(site, pkg, rule));
      enable(`${name}.timer`, pkg.id);
    }
    add('mirror.slice', null, () => slice(site));
    add('mirror-tick.service', null, () => tickService(site, context));
    add('mirror-tick.timer', null, () => tickTimer(site));
    enable('mirror-tick.timer', null);
    for (const [unit, content] of [...controlUnits(site, context), ...notifyUnits(site, context)]) {
      add(unit, null, () => content);
      if (/\.(socket|path)$/.test(unit)) enable(unit, null);
    }
    return artifacts;
  },
};
