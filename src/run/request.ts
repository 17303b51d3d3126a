import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { Request } from '../state/package-state.js';
import { writeRequest } from '../state/store.js';
import { startRun } from './start-run.js';

/**
 * Asks for a run and starts it without waiting. The request is on disk first: if the package is running, exactly one more
 * run follows; if the start fails, the next tick starts it. Returns what went wrong with the start, or null.
 */
export async function requestRun(layout: Layout, job: Job, request: Request): Promise<string | null> {
  writeRequest(layout, job.id, request);
  return startRun(layout, job);
}
