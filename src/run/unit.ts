import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { askRoot, isHandedOver } from '../boundary/root-service.js';
import { askStarter, hasStarter } from './starter.js';

/**
 * The unit through which a person's request should run, so that it gets the package's sandbox, user and resources; null
 * where there is none: another scheduler, another root, no systemd, or we are that unit.
 */
export function unitToStart(job: Job, layout: Layout): string | null {
  const unit = unitOf(job, layout);
  return unit === null || insideUnit(unit) ? null : unit;
}

/** The package's unit where systemd runs, or null; also for the unit's own ExecStopPost=, whose children die with it. */
export function unitOf(job: Job, layout: Layout): string | null {
  if (layout.root !== '' || job.scheduler !== 'systemd') return null;
  return existsSync('/run/systemd/system') ? job.unit : null;
}

/** Starts or stops a package's unit without waiting: as root by itself, else through the root that
 * handed this command over, or root's starter. Null when done. */
export async function commandUnit(
  layout: Layout,
  verb: 'start' | 'stop',
  id: string,
  unit: string,
): Promise<string | null> {
  if (isHandedOver()) return askRoot(`${verb} ${id}`);
  const isRoot = process.getuid?.() === 0;
  // A unit's own last command cannot wait for that unit's end.
  if ((!isRoot || insideUnit(unit)) && hasStarter(layout)) return askStarter(layout, verb, id);
  return systemctl(verb, '--no-block', '--', unit);
}

/** Runs `systemctl`; null when it went well, else what it said. */
export function systemctl(...args: string[]): string | null {
  const result = spawnSync('systemctl', ['--no-ask-password', ...args], { encoding: 'utf8' });
  if (result.error) return `systemctl: ${result.error.message}`;
  if (result.status === 0) return null;
  return result.stderr.trim() || `systemctl ${args.join(' ')}: exit ${String(result.status)}`;
}

/** Whether the unit runs, or is about to. */
export function unitIsActive(unit: string): boolean {
  return ['active', 'activating', 'deactivating', 'reloading'].includes(activeState(unit));
}

function activeState(unit: string): string {
  const args = ['show', '--property=ActiveState', '--value', unit];
  return spawnSync('systemctl', args, { encoding: 'utf8' }).stdout.trim();
}

function insideUnit(unit: string): boolean {
  if (process.env.INVOCATION_ID === undefined) return false;
  return readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .some((line) => line.split('/').includes(unit));
}
