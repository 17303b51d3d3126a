import type { ExecStep } from '../../job/step.js';
import type { Role } from '../exec.js';
import { watchForGrowth } from './growth.js';
import { lackOfSpace } from '../free-space.js';
import type { Overseer } from '../spawn.js';
import type { Turn } from '../steps.js';
import { logOutcome } from './log-limit.js';
import { watchForStall } from './stall.js';

/** Milliseconds between two looks at most, and at least. */
const LONGEST_PAUSE_MS = 2000;
const SHORTEST_PAUSE_MS = 100;
/** A tool writes its log no faster than this, in bytes per millisecond: the disk of logs takes no more before the next look. */
const FASTEST_LOG = 500_000;

/** Looks, while a tool runs, at the room that it leaves, at the size of its log, and whether upstream has fallen silent. */
export function overseeTool({ session, log }: Turn, step: ExecStep, role: Role, group: number): Overseer {
  const { dst, guard } = session.job;
  const stalled = step.stall ? watchForStall(step.tool, group, step.stall) : () => null;
  const stuck = step.growth ? watchForGrowth(dst, group, step.growth) : () => null;
  return {
    look() {
      const lacking = role === 'probe' ? null : lackOfSpace(dst, guard.min_free);
      if (lacking !== null) return { kind: 'failed', failure: 'space', reason: lacking };
      if (log.room() < 0) return logOutcome(log);
      const silent = stalled() ?? stuck();
      return silent === null ? null : { kind: 'failed', failure: 'unavailable', reason: silent };
    },
    pauseMs: () => Math.max(SHORTEST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, log.room() / FASTEST_LOG)),
  };
}
