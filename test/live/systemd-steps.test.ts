import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { liveSite, pkg, type LiveSite } from '../bed/site.js';
import { faulty, type Faulty, type Picture, type Step } from './faulty.js';

/** Whether to break every step: a file is changed in five to seven. By default another one of them for each change. */
const EVERY = process.env.MIRROR_TEST_EVERY_STEP !== undefined;
const AT = EVERY ? 'at every step' : 'at one step of every change';
const AT_FEW = EVERY ? AT : 'at one step of every fifth change';
const PATIENCE = EVERY ? 3_600_000 : 600_000;

const BEFORE = [pkg('debian', 'PT6H'), pkg('CTAN', 'P1D'), pkg('gnu', 'PT1H')];
/** One changed, one removed, one new. */
const AFTER = [pkg('debian', 'PT2H'), pkg('CTAN', 'P1D'), pkg('kde', 'PT1H')];
const SKIPPED = noBed === null ? '' : ` (skipped: ${noBed})`;

type Which = 'before' | 'after';
type Faults = Parameters<Faulty['apply']>[0];

describe.skipIf(noBed !== null)(`a step of an apply on a live systemd${SKIPPED}`, () => {
  let bed: Bed;
  let site: LiveSite;
  let faults: Faulty;
  const want = (which: Which): void => site.configure(which === 'before' ? BEFORE : AFTER);
  const expectAll = (picture: Picture | undefined, about: string): void => {
    const seen = faults.look();
    expect(seen, about).toEqual(picture);
    // Never a timer that is only enabled, or only started.
    const enabled = Object.keys(seen.files).flatMap(
      (path) => /timers\.target\.wants\/(mirror.*)$/.exec(path)?.[1] ?? [],
    );
    const started = seen.timers.filter((line) => line.endsWith(' active'));
    expect(
      started.map((line) => line.split(' ')[0]),
      about,
    ).toEqual(enabled.sort());
  };
  const expectNoBug = (stderr: string, about: string): void =>
    expect(stderr, about).not.toContain('bug in mirror');

  beforeAll(async () => {
    bed = await bootBed();
    site = liveSite(bed);
    faults = faulty(bed, site);
    want('before');
    site.must('setup');
  });
  afterAll(() => bed.stop());

  describe('of the first one', () => {
    const OWNED = [
      'etc/systemd/system',
      'etc/mirror/compiled',
      'var/lib/mirror',
      'var/lib/systemd/timers',
      'srv/ftp',
    ];
    let [nothing, first]: (Picture | undefined)[] = [];
    let steps: readonly Step[] = [];
    let calls = 0;
    const reset = (): void => {
      const directories = OWNED.map((path) => `/${path}`).join(' ');
      const back = `rm -rf ${directories} && cp -a /run/nothing/. / && systemctl daemon-reload`;
      bed.must('sh', '-c', `systemctl stop 'mirror-*' && ${back}`);
      expect(faults.look()).toEqual(nothing);
    };
    const fail = (fault: Faults, about: string): string => {
      const { status, stderr } = faults.apply(fault);
      expectNoBug(stderr, about);
      expectAll(status === 0 ? first : nothing, `${about}: ${stderr}`);
      if (status === 0) reset();
      return stderr;
    };
    const kill = (fault: Faults, about: string): void => {
      expect(faults.apply(fault).status, about).not.toBe(0);
      site.must('apply');
      expectAll(first, about);
      reset();
    };

    beforeAll(() => {
      nothing = faults.look();
      bed.must('sh', '-c', `mkdir /run/nothing && cd / && cp -a --parents ${OWNED.join(' ')} /run/nothing`);
      const { status, stderr } = faults.apply({ disk: '' });
      expect(status, stderr).toBe(0);
      [first, steps, calls] = [faults.look(), faults.steps(), faults.calls()];
      reset();
    });
    afterAll(() => site.must('apply'));

    it(`that is its last, ${AT_FEW}, leaves nothing behind or is healed`, { timeout: PATIENCE }, () => {
      for (const at of some(chosen(steps, 0))) {
        fail({ disk: `fail:${String(at)}` }, `disk full at ${told(at, steps)}`);
        kill({ disk: `kill:${String(at)}` }, `killed at ${told(at, steps)}`);
      }
    });

    it('that is its last word to systemd leaves nothing behind or is healed', { timeout: PATIENCE }, () => {
      for (let n = 1; n <= calls; n += 1) {
        for (const how of ['fail', 'fail-late'])
          expect(fail({ systemd: `${String(n)}:${how}` }, `${how} at call ${String(n)}`)).toContain('broken');
        for (const how of ['kill', 'kill-late'])
          kill({ systemd: `${String(n)}:${how}` }, `${how} at call ${String(n)}`);
      }
    });
  });

  describe('of one that changes, adds and removes', () => {
    let now: Which = 'before';
    const pictures: Partial<Record<Which, Picture>> = {};
    /** Of the apply that leads to each. */
    const steps: Record<Which, readonly Step[]> = { before: [], after: [] };
    let calls = 0;
    const other = (which: Which): Which => (which === 'before' ? 'after' : 'before');
    const bring = (which: Which): void => {
      want(which);
      site.must('apply');
      now = which;
    };
    /** Applies the other config, which fails or not, and then all is as before or as wanted. */
    const fail = (fault: Faults, about: string): string => {
      want(other(now));
      const { status, stderr } = faults.apply(fault);
      expectNoBug(stderr, about);
      const then = status === 0 ? other(now) : now;
      expectAll(pictures[then], `${about}: ${stderr}`);
      now = then;
      return stderr;
    };
    /** Applies the other config, which is killed; the next apply heals it, of the one config and of the other by turns. */
    const kill = (fault: Faults, turn: number, about: string): void => {
      want(other(now));
      expect(faults.apply(fault).status, about).not.toBe(0);
      bring(turn % 2 === 0 ? now : other(now));
      expectAll(pictures[now], about);
    };

    beforeAll(() => {
      // Twice: the baseline of a removed package stays, as the rest of its state does.
      for (const which of ['after', 'before', 'after', 'before'] as const) {
        want(which);
        const { status, stderr } = faults.apply({ disk: '' });
        expect(status, stderr).toBe(0);
        now = which;
        pictures[which] = faults.look();
        steps[which] = faults.steps();
        calls = faults.calls();
      }
      expect(pictures.after).not.toEqual(pictures.before);
    });

    it(`for which the disk is full, ${AT}, is undone with all before it`, { timeout: PATIENCE }, () => {
      const plan = bothWays((which) => chosen(steps[which], 0));
      let failed = 0;
      for (let n = 0; n < plan.length; n += 1) {
        const at = plan.of(other(now), n);
        if (at === undefined) continue;
        const stderr = fail({ disk: `fail:${String(at)}` }, `disk full at ${told(at, steps[other(now)])}`);
        if (stderr.includes('ENOSPC')) failed += 1;
      }
      expect(failed).toBeGreaterThan(25);
    });

    it(`in which it is killed, ${AT}, is healed by the next one`, { timeout: PATIENCE }, () => {
      const plan = bothWays((which) => chosen(steps[which], 3));
      for (let n = 0; n < plan.length; n += 1) {
        const at = plan.of(other(now), n);
        if (at === undefined) continue;
        // An apply that has nothing to do looks for no half journal; the next one that has removes it.
        const turn = steps[other(now)][at - 1]?.path === '.journal.json.tmp' ? 1 : n;
        kill({ disk: `kill:${String(at)}` }, turn, `killed at ${told(at, steps[other(now)])}`);
      }
    });

    it('that is its last word to systemd is undone or healed', { timeout: PATIENCE }, () => {
      for (let n = 1; n <= calls; n += 1) {
        for (const how of ['fail', 'fail-late'])
          expect(fail({ systemd: `${String(n)}:${how}` }, `${how} at call ${String(n)}`)).toContain('broken');
        for (const [turn, how] of ['kill', 'kill-late'].entries())
          kill({ systemd: `${String(n)}:${how}` }, turn, `${how} at call ${String(n)}`);
      }
    });

    it(`in which it is killed on its way back, ${AT_FEW}, is healed, too`, { timeout: PATIENCE }, () => {
      const late = `${String(calls)}:fail-late`;
      const back = bothWays((which) => {
        bring(other(which));
        fail({ disk: '', systemd: late }, 'timers do not start');
        // All that comes before the start of timers is as in an apply that succeeds.
        const there = steps[which].findIndex(
          ({ name, path }) => name === 'unlink' && path === 'journal.json',
        );
        return some(chosen(faults.steps(), 0).filter((at) => at > there));
      });
      for (let n = 0; n < back.length; n += 1) {
        const at = back.of(other(now), n);
        if (at === undefined) continue;
        kill({ disk: `kill:${String(at)}`, systemd: late }, n, `killed at ${String(at)}, going back`);
      }
      for (let n = calls + 1; n <= calls + 3; n += 1)
        for (const [turn, how] of ['kill', 'kill-late'].entries())
          kill({ systemd: `${late} ${String(n)}:${how}` }, turn, `${how} at call ${String(n)}, going back`);
    });
  });
});

/** What there is to do in either direction; the two differ by a step here and there. */
function bothWays<T>(list: (which: Which) => readonly T[]): {
  readonly length: number;
  of(which: Which, n: number): T | undefined;
} {
  const both = { after: list('after'), before: list('before') };
  return {
    length: Math.max(both.after.length, both.before.length),
    of: (which, n) => both[which][n],
  };
}

/** Numbers of the steps to break, from 1: all of them, or of each change one, starting with the `turn`th kind. */
function chosen(steps: readonly Step[], turn: number): number[] {
  if (EVERY) return steps.map((_, n) => n + 1);
  const changes: number[][] = [];
  let isOpen = false;
  for (const [n, { name, path }] of steps.entries()) {
    // A file is written under a temporary name, which a rename ends.
    if (isOpen) changes.at(-1)?.push(n + 1);
    else changes.push([n + 1]);
    isOpen = path.endsWith('.tmp') && name !== 'rename';
  }
  return changes.map((change, n) => change[(n + turn) % change.length] ?? 0);
}

function some(steps: readonly number[]): number[] {
  return steps.filter((_, n) => EVERY || n % 5 === 0);
}

function told(at: number, steps: readonly Step[]): string {
  const { name = '', path = '' } = steps[at - 1] ?? {};
  return `step ${String(at)} (${name} ${path})`;
}
