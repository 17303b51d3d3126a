import { intercept } from './intercept.js';
import type { System } from './system.js';

/** A system that cannot be changed: any attempt is a bug and throws. For commands that promise to look only. */
export function readOnly(system: System): System {
  return intercept(system, (mutation, what) => {
    throw new Error(`a read-only command tried to ${mutation} ${what}`);
  });
}
