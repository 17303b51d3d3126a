import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { liveSite, pkg, type LiveSite } from '../bed/site.js';
import { faulty, type Faulty, type Picture } from './faulty.js';

const BEFORE = [pkg('debian', 'PT6H'), pkg('CTAN', 'P1D'), pkg('gnu', 'PT1H')];
/** One changed, one removed, one new. */
const AFTER = [pkg('debian', 'PT2H'), pkg('CTAN', 'P1D'), pkg('kde', 'PT1H')];

describe.skipIf(noBed !== null)(
  `an apply on a live systemd${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let bed: Bed;
    let site: LiveSite;
    let faults: Faulty;
    const picture: Partial<Record<'before' | 'after', Picture>> = {};
    const want = (which: 'before' | 'after'): void => site.configure(which === 'before' ? BEFORE : AFTER);

    beforeAll(async () => {
      bed = await bootBed();
      site = liveSite(bed);
      faults = faulty(bed, site);
      want('before');
      site.must('setup');
      // Twice: the baseline of a removed package stays, as the rest of its state does.
      for (const which of ['before', 'after', 'before', 'after', 'before'] as const) {
        want(which);
        site.must('apply');
        picture[which] = faults.look();
      }
      expect(picture.after).not.toEqual(picture.before);
    });
    afterAll(() => bed.stop());

    it('that cannot put everything back says so, and the next one heals it', () => {
      want('after');
      const { status, stderr } = faults.apply({ systemd: '3+:fail' });
      expect(status).not.toBe(0);
      expect(stderr).toContain('broken');
      expect(site.exists('/etc/mirror/compiled/journal.json')).toBe(true);
      want('before');
      site.must('apply');
      expect(faults.look()).toEqual(picture.before);
    });

    it('that is killed before its journal is whole leaves no half journal behind', () => {
      const journal = '/etc/mirror/compiled/.journal.json.0123456789ab.tmp';
      site.write(journal, '{');
      want('after');
      site.must('apply');
      expect(faults.look()).toEqual(picture.after);
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
      expect(faults.look()).toEqual(picture.before);
      bed.must('rm', `${units}/filler`);
      site.must('apply');
      expect(faults.look()).toEqual(picture.after);
    });
  },
);
