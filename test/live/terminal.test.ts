import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Answer, type Bed } from '../bed/bed.js';
import { gated, liveSite, MIRROR, type LiveSite } from '../bed/site.js';

/** Root's terminal stays root's, and root does not wait for a process that other processes of its user have stopped. */
describe.skipIf(noBed !== null)(
  `commands of root’s on a terminal${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let bed: Bed;
    let site: LiveSite;
    const onTerminal = (command: string): Answer =>
      bed.run('script', '--quiet', '--return', '--command', `export TERM=xterm; ${command}`, '/dev/null');

    beforeAll(async () => {
      bed = await bootBed();
      site = liveSite(bed);
      site.configure([gated('two', 'PT6H')]);
      site.must('setup');
      site.must('apply');
      site.must('run', 'two');
    });
    afterAll(() => bed.stop());

    it('print for that terminal, with its colours and its width', () => {
      expect(onTerminal(`${MIRROR} status`).stdout).toContain('\u001b[32mok');
      expect(site.mirror('status').stdout).not.toContain('\u001b');
      site.must('hold', 'two', '--reason', 'x'.repeat(200));
      expect(onTerminal(`stty cols 60; ${MIRROR} status`).stdout).toContain('…');
      expect(site.mirror('status').stdout).toContain('x'.repeat(200));
      site.must('unhold', 'two');
    });

    it('write out what could drive the terminal, and nothing of it into a pipe', () => {
      const log = site.must('logs', 'two', '--path').trim();
      site.write('/tmp/log', 'before\n\u001b[31mred\n', 0o644);
      bed.must('sh', '-c', `cat /tmp/log >${log}`);
      expect(onTerminal(`${MIRROR} logs two`).stdout).toContain('before\r\n\\x1b[31mred');
      expect(site.mirror('logs', 'two').stdout).toBe('before\n\u001b[31mred\n');
    });

    it('print all that there is, however long', () => {
      const log = site.must('logs', 'two', '--path').trim();
      bed.must('sh', '-c', `seq 90000 >${log}`);
      expect(onTerminal(`${MIRROR} logs two`).stdout).toMatch(/\b89999\r\n90000\r\n$/);
    });

    it(
      'end when the process of the mirror user is stopped: status --check as UNKNOWN',
      { timeout: 150_000 },
      () => {
        const stop = `
        ${MIRROR} status --check & root=$!
        until [ -n "$stopped" ]; do
          for child in $(cat /proc/$root/task/$root/children); do
            [ "$(stat -c %U /proc/$child)" = mirror ] && kill -STOP $child && stopped=$child
          done
        done
        wait $root`;
        const begun = Date.now();
        const { status, stdout, stderr } = bed.run('bash', '-c', stop);
        expect(stdout).toBe('MIRROR UNKNOWN - reading the states did not end in time\n');
        expect(stderr).toContain('mirror: gave up after 60 s');
        expect(status).toBe(3);
        expect(Date.now() - begun).toBeGreaterThan(50_000);
        expect(bed.run('pgrep', '-u', 'mirror', 'node').stdout).toBe('');
      },
    );
  },
);
