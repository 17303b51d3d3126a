import { existsSync } from 'node:fs';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { executorLives } from '../state/alive.js';
import type { RunRecord } from '../state/package-state.js';
import { peekState } from '../state/store.js';
import { pause } from './pause.js';
import type { Interruption } from './signals.js';
import { unitIsActive, unitToStart } from './unit.js';

/** Milliseconds between looks at the state. */
const POLL = 200;
/** Milliseconds without a trace of the run after which nobody will run it. */
const PATIENCE = 5000;

/**
 * Waits for the end of the run that serves a request made at `since` (epoch ms). Where the run before it was stopped, and
 * the request with it, that run's record. Null when it ended without a record (held meanwhile, no free slot, killed), or
 * when we were told to stop looking; the run itself goes on then.
 */
export async function followRun(
  layout: Layout,
  job: Job,
  since: number,
  interruption: Interruption,
): Promise<RunRecord | null> {
  const unit = unitToStart(job, layout);
  let quietSince = Date.now();
  for (;;) {
    // Looked at first: a request that is served by now is gone only after its run is in the state.
    const pending = existsSync(layout.requestFile(job.id));
    const { last, run } = peekState(layout, job.id);
    if (last !== null && last.started >= since && !pending) return last;
    const runs = run !== null && executorLives(run);
    if (last?.outcome === 'stopped' && last.ended >= since && !pending && !runs) return last;
    if (runs || (unit !== null && unitIsActive(unit))) quietSince = Date.now();
    if (Date.now() - quietSince > PATIENCE) return null;
    if ((await pause(Date.now() + POLL, interruption)) === 'interrupted') return null;
  }
}
