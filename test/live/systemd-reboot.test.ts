import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layout } from '../../src/job/layout.js';
import { makeUpAt } from '../../src/run/boot.js';
import type { PackageState } from '../../src/state/package-state.js';
import { bootLastingBed, noBed, type LastingBed } from '../bed/bed.js';
import { gated, liveSite, pkg, serveUpstream, type LiveSite } from '../bed/site.js';

const NODE = 'bed';

/** The beds here boot with this many seconds behind them: the tick after a boot has its time then. */
const UPTIME = 120;

/** A package that makes up for a missed slot `from` to `to` seconds after a boot: its id decides. */
function idWithShare(from: number, to: number): string {
  for (let n = 0; ; n += 1) {
    const share = (makeUpAt(0, 1, 1, NODE, `p${String(n)}`) ?? 0) / 1000;
    if (share > from && share < to) return `p${String(n)}`;
  }
}

const SOON = idWithShare(UPTIME + 8, UPTIME + 11);
const LATE = idWithShare(900, 1500);
const LONG = idWithShare(1500, 1790);
/** Slots half an hour ago and half an hour from now: none comes during the test. */
const AWAY = { phase: `PT${String(Math.floor(Date.now() / 60_000 + 30) % 60)}M` };
const HOURS = 3 * 3_600_000;

describe.skipIf(noBed !== null)(`a reboot${noBed === null ? '' : ` (skipped: ${noBed})`}`, () => {
  let bed: LastingBed;
  let site: LiveSite;

  const published = (id: string): string | undefined => {
    const status = JSON.parse(site.read('/var/www/mirror/status.json')) as Record<string, { status: string }>;
    return status[id]?.status;
  };

  beforeAll(async () => {
    bed = await bootLastingBed();
    site = liveSite(bed);
    serveUpstream(bed, site, [SOON, LATE, 'idle']);
    const packages = [pkg(SOON, 'PT1H', AWAY), pkg(LATE, 'PT1H', AWAY), pkg('idle', 'PT1H', AWAY)];
    site.configure([...packages, gated(LONG, 'PT1H', AWAY)], { node: NODE });
    site.must('setup');
    site.must('apply');
  });
  afterAll(() => bed.stop());

  it('by a power cut ends what ran as interrupted, and the tick starts it again at its own time', async () => {
    site.gate(LONG, 'shut');
    site.wake([LONG], HOURS);
    await site.until('it runs', () => published(LONG) === 'SYNC');
    await site.until('its tool runs', () => site.runs(LONG) === 1);
    // Each boot of a kernel has an id of its own; the bed's boots share this machine's.
    const state = JSON.parse(site.read(layout().stateFile(LONG))) as PackageState;
    const run = { ...state.run, boot_id: 'the one before' };
    site.write(layout().stateFile(LONG), JSON.stringify({ ...state, run }), 0o664);
    site.must('hold', 'idle', '--reason', 'disk on order');
    site.miss([SOON, LATE, 'idle'], HOURS);

    await bed.turnOff('power cut');
    await bed.turnOn(UPTIME);
    await site.until('SYNC is gone', () => published(LONG) === 'UNKNOWN', 15);
    expect(site.history(LONG)).toMatchObject([
      {
        outcome: 'interrupted',
        trigger: 'schedule',
        reason: 'the executor died before it could record the end',
      },
    ]);
    await site.until('it waits for its moment', () => site.status(LONG).status === 'waiting');
    expect(site.show(`mirror-sync-${LONG}.service`, 'ActiveState')).toBe('active');
    // A run that waits is no part of the boot.
    expect(bed.run('systemctl', 'is-system-running').stdout).toBe('running\n');
  });

  it('makes up for missed slots, however many, once, each package at its own time', async () => {
    serveUpstream(bed, site, []);
    await site.until('they wait for their time', () =>
      [SOON, LATE].every((id) => site.status(id).status === 'waiting'),
    );
    expect(site.must('status', LATE)).toContain('waiting for its moment after boot');
    expect(site.history(SOON)).toEqual([]);
    await site.until(`${SOON} has run`, () => site.history(SOON).length > 0);
    expect(site.history(SOON)).toMatchObject([{ outcome: 'synced', trigger: 'schedule' }]);
    expect(site.status(LATE).status).toBe('waiting');
    // Whoever cannot wait asks.
    site.must('start', LATE);
    await site.until(`${LATE} has run`, () => site.history(LATE).length > 0);
    expect(site.history(LATE)).toMatchObject([{ outcome: 'synced', trigger: 'request' }]);
  });

  it('leaves a hold in force', () => {
    expect(site.status('idle').status).toBe('held');
    expect(site.status('idle').reason).toContain('disk on order');
    expect(site.history('idle')).toEqual([]);
  });

  it('by a shutdown ends a run in order, and makes nothing up twice', async () => {
    site.must('start', LONG);
    await site.until('it runs', () => published(LONG) === 'SYNC');
    await bed.turnOff('shutdown');
    await bed.turnOn(UPTIME);
    const [, last] = site.history(LONG);
    expect(last).toMatchObject({ outcome: 'interrupted', trigger: 'request' });
    expect(last?.reason).not.toContain('died');
    expect(published(LONG)).toBe('UNKNOWN');
    await site.until(
      'timers are up',
      () => site.show(`mirror-sync-${LONG}.timer`, 'ActiveState') === 'active',
    );
    expect([SOON, LATE].map((id) => site.history(id).length)).toEqual([1, 1]);
    expect([SOON, LATE].map((id) => site.status(id).status)).toEqual(['ok', 'ok']);
  });
});
