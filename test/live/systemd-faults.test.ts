import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Answer, type Bed } from '../bed/bed.js';
import { liveSite, MIRROR, pkg, serveUpstream, type LiveSite } from '../bed/site.js';

/**
 * Loaded into `mirror`: at its Nth change to the file system the disk is full (FAULT=fail:N) or the process is killed
 * (FAULT=kill:N). How many changes there were goes to /run/steps. What mirror starts is left in peace.
 */
const BAD_DISK = `
const fs = require('node:fs');
const [how, at] = process.env.FAULT.split(':');
delete process.env.NODE_OPTIONS;
let step = 0;
for (const name of ['renameSync', 'symlinkSync', 'unlinkSync', 'mkdirSync', 'rmdirSync', 'fchownSync']) {
  const real = fs[name];
  fs[name] = (...args) => {
    step += 1;
    if (step === Number(at) && how === 'kill') process.kill(process.pid, 'SIGKILL');
    if (step === Number(at)) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    return real(...args);
  };
}
process.on('exit', () => fs.writeFileSync('/run/steps', String(step)));
require('node:module').syncBuiltinESMExports();
`;

/** Stands in front of a command of systemd's: BREAK=VERB:HOW, once, or always with BREAK_ALWAYS. */
const bad = (command: string): string => `#!/bin/sh
mine=\${BREAK%%:*} how=\${BREAK#*:}
if [ "$1" != "$mine" ] || { [ -e /run/broken ] && [ -z "$BREAK_ALWAYS" ]; }; then exec /usr/bin/${command} "$@"; fi
: >/run/broken
case $how in *late) /usr/bin/${command} "$@" ;; esac
case $how in kill*) kill -9 $PPID ;; esac
echo "${command}: broken" >&2
exit 1
`;

const BEFORE = [pkg('debian', 'PT6H'), pkg('CTAN', 'P1D'), pkg('gnu', 'PT1H')];
/** One changed, one removed, one new. */
const AFTER = [pkg('debian', 'PT2H'), pkg('CTAN', 'P1D'), pkg('kde', 'PT1H')];

describe.skipIf(noBed !== null)(
  `an apply on a live systemd${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let bed: Bed;
    let site: LiveSite;
    const picture: { before: unknown; after: unknown } = { before: null, after: null };

    const applyWith = (...env: string[]): Answer => {
      bed.run('rm', '-f', '/run/broken');
      return bed.run('env', 'PATH=/opt/faults:/usr/sbin:/usr/bin:/sbin:/bin', ...env, MIRROR, 'apply');
    };
    const badDisk = (fault: string): Answer =>
      applyWith(`FAULT=${fault}`, 'NODE_OPTIONS=--require=/opt/faults/disk.cjs');

    /** All that an apply owns and all that systemd knows of it; of a baseline only that it is there. */
    const look = (): unknown => {
      const files: Record<string, string> = {};
      const read = (path: string, filter: RegExp): void => {
        for (const entry of readdirSync(join(bed.root, path), { withFileTypes: true }).filter(({ name }) =>
          filter.test(name),
        )) {
          const inner = `${path}/${entry.name}`;
          if (entry.isSymbolicLink()) files[inner] = readlinkSync(join(bed.root, inner));
          else if (entry.isDirectory()) read(inner, /./);
          else files[inner] = inner.includes('/baseline/') ? '' : readFileSync(join(bed.root, inner), 'utf8');
        }
      };
      read('/etc/systemd/system', /^mirror|wants$|tmp$/);
      read('/etc/mirror/compiled', /^(?!history\.jsonl$|lock$)/);
      // A temporary file there could be a run's; publish sweeps those of the dead after an hour.
      read('/var/lib/mirror/baseline', /^[^.]/);
      const units = bed
        .must('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'mirror-*.timer')
        .split('\n');
      const timers = units.flatMap((line) => (line === '' ? [] : [line.split(/\s+/).slice(0, 4).join(' ')]));
      const stale = bed.must('systemctl', 'show', 'mirror-*', '--property=NeedDaemonReload', '--value');
      return { files, timers: timers.sort(), stale: stale.includes('yes') };
    };
    /** Never a timer that is only enabled, or only started. */
    const enabledAndStarted = (): [string[], string[]] => {
      const links = readdirSync(join(bed.root, 'etc/systemd/system/timers.target.wants')).filter((name) =>
        name.startsWith('mirror'),
      );
      const { timers } = look() as { timers: string[] };
      return [
        links.sort(),
        timers.filter((line) => line.includes(' active ')).map((line) => line.split(' ')[0] ?? ''),
      ];
    };
    const want = (which: 'before' | 'after'): void => site.configure(which === 'before' ? BEFORE : AFTER);
    const other = (which: 'before' | 'after'): 'before' | 'after' =>
      which === 'before' ? 'after' : 'before';

    beforeAll(async () => {
      bed = await bootBed();
      site = liveSite(bed);
      serveUpstream(bed, site, ['debian']);
      site.write('/opt/faults/disk.cjs', BAD_DISK);
      for (const command of ['systemctl', 'systemd-analyze'])
        site.write(`/opt/faults/${command}`, bad(command), 0o755);
      want('before');
      site.must('setup');
    });
    afterAll(() => bed.stop());

    it('for the first time leaves nothing behind when it fails, and is healed when it is killed', () => {
      const nothing = look();
      for (const how of ['verify:fail', 'daemon-reload:fail-late', 'start:fail-late']) {
        const { status, stderr } = applyWith(`BREAK=${how}`);
        expect([status === 0, stderr], how).toEqual([false, expect.stringMatching(/broken/)]);
        expect(look(), how).toEqual(nothing);
      }
      expect(applyWith('BREAK=start:kill-late').status).not.toBe(0);
      site.must('apply');
      // Back and forth twice: the baseline of a removed package stays, as the rest of its state does.
      for (const which of ['after', 'before', 'after', 'before'] as const) {
        want(which);
        site.must('apply');
        picture[which] = look();
      }
      expect(picture.after).not.toEqual(picture.before);
    });

    it('puts everything back when systemd fails it', () => {
      want('after');
      for (const how of ['verify:fail', 'stop:fail-late', 'daemon-reload:fail', 'start:fail-late']) {
        const { status, stderr } = applyWith(`BREAK=${how}`);
        expect(status, how).not.toBe(0);
        expect(stderr, how).toContain('broken');
        expect(look(), how).toEqual(picture.before);
      }
    });

    it('that cannot put everything back says so, and the next one heals it', () => {
      want('after');
      const { status, stderr } = applyWith('BREAK=daemon-reload:fail', 'BREAK_ALWAYS=1');
      expect(status).not.toBe(0);
      expect(stderr).toContain('broken');
      want('before');
      site.must('apply');
      expect(look()).toEqual(picture.before);
    });

    it('that is killed while it speaks to systemd is healed by the next one, whatever that is to apply', () => {
      for (const how of ['stop:kill-late', 'daemon-reload:kill', 'start:kill-late']) {
        want('after');
        expect(applyWith(`BREAK=${how}`).status, how).not.toBe(0);
        want('before');
        site.must('apply');
        expect(look(), how).toEqual(picture.before);
      }
    });

    // Every single step is tested on a machine in memory (test/apply/faults.test.ts); here every few.
    it('whose disk is full at one of its changes, or who is killed at the next, is undone or healed', () => {
      let now: 'before' | 'after' = 'before';
      let step = 1;
      for (; ; step += 6) {
        want(other(now));
        const { status, stderr } = badDisk(`fail:${String(step)}`);
        const about = `full at step ${String(step)}: ${stderr}`;
        // From the end of the journal on it is applied, whatever happens.
        if (status === 0) break;
        expect(stderr).toContain('ENOSPC');
        expect(stderr).not.toContain('bug in mirror');
        expect(look(), about).toEqual(picture[now]);
        expect(badDisk(`kill:${String(step + 1)}`).status, about).not.toBe(0);
        site.must('apply');
        expect(look(), `killed at step ${String(step + 1)}`).toEqual(picture[other(now)]);
        now = other(now);
        const [enabled, started] = enabledAndStarted();
        expect(started).toEqual(enabled);
      }
      expect(step).toBeGreaterThan(20);
      want('before');
      site.must('apply');
    }, 120_000);

    it('that is killed before its journal is whole leaves no half journal behind', () => {
      const journal = '/etc/mirror/compiled/.journal.json.0123456789ab.tmp';
      site.write(journal, '{');
      want('after');
      site.must('apply');
      expect(look()).toEqual(picture.after);
      want('before');
      site.must('apply');
    });

    it('on a file system that is really full leaves it as it was', () => {
      const units = '/etc/systemd/system';
      bed.must('cp', '-a', units, '/run/units');
      bed.must('mount', '-t', 'tmpfs', '-o', 'size=512k,mode=755', 'small', units);
      bed.must(
        'sh',
        '-c',
        `cp -a /run/units/. ${units}; dd if=/dev/zero of=${units}/filler bs=4k 2>&1 || true`,
      );
      bed.must('systemctl', 'daemon-reload');
      want('after');
      const { status, stderr } = site.mirror('apply');
      expect(stderr).toContain('ENOSPC');
      expect(status).not.toBe(0);
      expect(look()).toEqual(picture.before);
      bed.must('rm', `${units}/filler`);
      site.must('apply');
      expect(look()).toEqual(picture.after);
    });
  },
);
