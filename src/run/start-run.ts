import { spawn } from 'node:child_process';
import { askRoot, isHandedOver } from '../boundary/root-service.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { commandUnit, unitOf } from './unit.js';

/**
 * Starts a run that serves the pending request: by its unit, else as a process of its own. Returns what went wrong, or null.
 * Touches nothing that the mirror user owns: root calls it, too.
 */
export async function startRun(layout: Layout, job: Job): Promise<string | null> {
  const unit = unitOf(job, layout);
  if (unit !== null) return commandUnit(layout, 'start', job.id, unit);
  // Under cron and the daemon only root can become each package's user.
  if (isHandedOver()) return askRoot(`start ${job.id}`);
  const [entry = ''] = process.argv.slice(1);
  const root = layout.root === '' ? [] : ['--root', layout.root];
  // --scheduled: it finds the request and serves it; should another run have done so meanwhile, it does nothing.
  const child = spawn(process.execPath, [entry, 'run', '--scheduled', ...root, job.id], {
    detached: true,
    stdio: 'ignore',
  });
  child.on('error', () => undefined);
  child.unref();
  return null;
}
