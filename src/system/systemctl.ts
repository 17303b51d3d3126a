import type { System } from './system.js';

/** Units named in one call: far below the limit on the length of a command line. */
const BATCH = 500;

/** Whether systemd is the running service manager (sd_booted(3)). */
export function isSystemdRunning(system: Pick<System, 'facts'>): boolean {
  return system.facts('/run/systemd/system')?.kind === 'directory';
}

/** Makes systemd read its unit files again; a changed timer is taken up by that alone. Throws with systemctl's words. */
export async function daemonReload(system: System): Promise<void> {
  await systemctl(system, ['daemon-reload']);
}

/** Starts units, which systemd forgets how to do in one call for thousands of names. Throws with systemctl's words. */
export async function startUnits(system: System, units: readonly string[]): Promise<void> {
  for (const some of batches(units)) await systemctl(system, ['start', '--', ...some]);
}

/** Stops units; one that is not loaded is no error. */
export async function stopUnits(system: System, units: readonly string[]): Promise<void> {
  for (const some of batches(units)) {
    const result = await system.run(['systemctl', 'stop', '--', ...some]);
    // 5: unit not loaded (systemctl(1)): there is nothing to stop.
    if (result.code !== 0 && result.code !== 5) throw new Error(failure(['stop'], result.stderr));
  }
}

async function systemctl(system: System, args: readonly string[]): Promise<void> {
  const result = await system.run(['systemctl', ...args]);
  if (result.code !== 0) throw new Error(failure(args, result.stderr));
}

function failure(args: readonly string[], stderr: string): string {
  return `systemctl ${args[0] ?? ''} failed: ${stderr.trim() || 'no message'}`;
}

function* batches(units: readonly string[]): Generator<readonly string[]> {
  for (let i = 0; i < units.length; i += BATCH) yield units.slice(i, i + BATCH);
}
