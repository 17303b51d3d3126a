import { describe, expect, test } from 'vitest';
import { apply } from '../../src/apply/apply.js';
import { layout } from '../../src/job/layout.js';
import type { Intent } from '../../src/plan/assemble.js';
import { intercept } from '../../src/system/intercept.js';
import type { MemorySystem } from '../../src/system/memory.js';
import { emptyState } from '../../src/state/package-state.js';
import { pkg } from '../compile/site.js';
import { ask, enabled, intend, machine, picture } from './machine.js';

const paths = layout();
const first = intend([pkg('debian'), pkg('CTAN'), pkg('own', { password: { literal: 'hunter2' } })]);
/** One package new, one changed, one removed, one renamed with its state, one secret gone. */
const second = intend([
  pkg('debian', { syncrate: 'PT2H' }),
  pkg('ctan', { renamedFrom: 'CTAN', dst: '/srv/ftp/CTAN' }),
  pkg('ArchLinux'),
]);

/** A machine with the first site applied and some state. */
async function applied(): Promise<MemorySystem> {
  const system = machine();
  await apply(first, ask(), system);
  system.writeFile(
    paths.stateFile('CTAN'),
    JSON.stringify({ ...emptyState('CTAN'), last_success: 5 }),
    0o664,
  );
  system.ran.length = 0;
  return system;
}

/** Units that systemd runs after these commands, given those that ran before. */
function running(before: readonly string[], ran: readonly string[]): string[] {
  const timers = new Set(before);
  for (const line of ran) {
    const [, verb, , ...units] = line.split(' ');
    for (const unit of units)
      if (verb === 'start') timers.add(unit);
      else if (verb === 'stop') timers.delete(unit);
  }
  return [...timers].sort();
}

/** How many changes a clean run makes, and the machine after it. */
async function cleanly(
  start: () => Promise<MemorySystem>,
  intent: Intent,
): Promise<{ steps: number; system: MemorySystem }> {
  const system = await start();
  let steps = 0;
  await apply(
    intent,
    ask(),
    intercept(system, () => (steps += 1)),
  );
  return { steps, system };
}

const cases: [string, () => Promise<MemorySystem>, Intent, string[]][] = [
  ['a first apply', () => Promise.resolve(machine()), first, []],
  ['a change of everything', applied, second, enabled(first)],
];

describe.each(cases)('%s', (_, start, intent, unitsBefore) => {
  test('that fails at any step, once, puts back what was there', async () => {
    const clean = await cleanly(start, intent);
    for (let n = 1; n <= clean.steps; n += 1) {
      const system = await start();
      const before = picture(system);
      let step = 0;
      const failing = intercept(system, () => {
        if (++step === n) throw new Error(`ENOSPC at step ${String(n)}`);
      });
      const result = await apply(intent, ask(), failing).catch((error: unknown) => ({
        kind: 'threw',
        error,
      }));
      // What comes after the commit cannot fail the apply any more.
      if (result.kind === 'applied') {
        expect(picture(system), `step ${String(n)}`).toEqual(picture(clean.system));
        continue;
      }
      if (result.kind === 'failed') expect(result).toMatchObject({ problems: [] });
      expect(picture(system), `step ${String(n)}`).toEqual(before);
      expect(running(unitsBefore, system.ran), `step ${String(n)}`).toEqual(unitsBefore);
    }
    expect(clean.steps).toBeGreaterThan(15);
  });

  test('that dies at any step is healed by the next one, pending starts included', async () => {
    const clean = await cleanly(start, intent);
    for (let n = 1; n <= clean.steps; n += 1) {
      const system = await start();
      let step = 0;
      const dying = intercept(system, () => {
        if (++step >= n) throw new Error('killed');
      });
      await apply(intent, ask(), dying).catch(() => undefined);
      const result = await apply(intent, ask(), system);
      expect(['applied', 'nothing'], `step ${String(n)}`).toContain(result.kind);
      expect(picture(system), `step ${String(n)}`).toEqual(picture(clean.system));
      expect(running(unitsBefore, system.ran), `step ${String(n)}`).toEqual(enabled(intent));
      expect(await apply(intent, ask(), system), `step ${String(n)}`).toMatchObject({ kind: 'nothing' });
    }
  });

  test('that dies, and is then no longer wanted, leaves nothing behind', async () => {
    const { steps } = await cleanly(start, intent);
    for (let n = 1; n <= steps; n += 1) {
      const system = await start();
      const before = picture(system);
      let step = 0;
      const dying = intercept(system, () => {
        if (++step >= n) throw new Error('killed');
      });
      const died = await apply(intent, ask(), dying).catch(() => ({ kind: 'threw' }));
      if (died.kind === 'applied' || unitsBefore.length === 0) continue;
      await apply(first, ask(), system);
      expect(picture(system), `step ${String(n)}`).toEqual(before);
      expect(running(unitsBefore, system.ran), `step ${String(n)}`).toEqual(unitsBefore);
    }
  });
});

test('a file that somebody edited after a killed apply is not taken back', async () => {
  const system = machine();
  let step = 0;
  const unit = `${paths.units}/mirror-sync-debian.service`;
  const dying = intercept(system, (_, what) => {
    if (what === unit) step = 1;
    else if (step === 1) throw new Error('killed');
  });
  await apply(first, ask(), dying);
  system.writeFile(unit, '[Service]\nExecStart=/bin/true\n', 0o644);
  expect(await apply(first, ask(), system)).toMatchObject({
    kind: 'refused',
    refusals: [{ code: 'in-the-way' }],
  });
  expect(system.read(unit)).toContain('/bin/true');
});
