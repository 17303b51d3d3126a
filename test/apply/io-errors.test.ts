import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readApplyHistory } from '../../src/apply/history.js';
import { journalPath } from '../../src/apply/journal.js';
import { layout as layoutOf } from '../../src/job/layout.js';
import { emptyState } from '../../src/state/package-state.js';
import { peekState, writeState } from '../../src/state/store.js';
import { realSystem } from '../../src/system/real.js';
import {
  assertWholeJson,
  callOf,
  countCalls,
  explain,
  failingDisk,
  isTransparent,
  noFaults,
  spreadFaults,
} from '../support/io-faults.js';
import { settingsBelow, siteConfig } from '../support/site-config.js';

const base = mkdtempSync(join(tmpdir(), 'mirror-io-errors-'));
const root = join(base, 'root');
const config = join(base, 'config.json');
const layout = layoutOf(root);
const system = realSystem();
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Each version renames a package with its state, adds one, removes one and changes the schedule of one. */
function writeVersion(version: number): void {
  const ids: [string, object][] = [
    ['debian', {}],
    [`renamed-${String(version)}`, { renamed_from: `renamed-${String(version - 1)}` }],
    [`only-${String(version)}`, {}],
  ];
  const packages = ids.map(([id, more]) => [
    id,
    {
      id,
      name: id,
      href: `/${id}`,
      synctype: 'command',
      syncrate: `PT${String(1 + (version % 20))}H`,
      ...NO_LINKS,
      guard: { min_free: '0%' },
      ...more,
      settings: {
        hidden: false,
        src: '',
        dst: `${root}/srv/${id.replace(/\d+/, '')}`,
        options: { command: ['true'] },
      },
    },
  ]);
  const settings = { ...settingsBelow(root), scheduler: 'crontab' };
  writeFileSync(config, JSON.stringify(siteConfig(Object.fromEntries(packages) as object, settings)));
}

/** eslint takes the key for a method of strings that is out of use. */
const NO_LINKS = { ['link']: [] };

/** Exit code and stderr of a command that has nothing to complain of. */
const CLEAN = /^0 (?![^]*mirror: )/;

describe.skipIf(noFaults)(`a disk that fails once${noFaults ? ` (skipped: ${noFaults})` : ''}`, () => {
  test(
    'under `mirror apply`: all of it is done or it says what failed, and the next one heals',
    async () => {
      for (const name of ['srv', 'www']) mkdirSync(join(root, name), { recursive: true });
      const disk = failingDisk(root, base);
      const apply = ['apply', '-c', config, '--root', root];
      const plan = ['plan', '-c', config, '--root', root, '--detailed-exitcode'];
      writeVersion(0);
      expect(await disk.mirror(apply)).toMatchObject({ code: 0 });
      const points = spreadFaults(4);
      const calls = await countCalls(disk, points, apply, writeVersion);
      let hits = 0;
      let version = calls.size;
      writeState(layout, { ...emptyState(`renamed-${String(version)}`), last_success: 5 });
      for (const [index, point] of points.entries()) {
        writeVersion((version += 1));
        const before = readApplyHistory(system, layout).length;
        const ended = await disk.mirror(apply, point.fault, callOf(point, calls));
        const when = explain(index, point, ended);
        if (ended.failed !== '') hits += 1;
        assertWholeJson(root, when);
        // A warning of the config is no trouble.
        if (isTransparent(point)) expect(`${String(ended.code)} ${ended.stderr}`, when).toMatch(CLEAN);
        const isDone = ended.code === 0;
        expect(readApplyHistory(system, layout).length, when).toBeGreaterThanOrEqual(before + Number(isDone));
        if (!isDone) expect(ended.stderr, when).toContain('mirror: ');
        const healed = await disk.mirror(apply);
        expect(healed.code, `${when}, then ${healed.stderr}`).toBe(0);
        if (isDone) expect(healed.stdout, when).toBe('Nothing to do.\n');
        if (index % 8 === 0) {
          const again = await disk.mirror(plan);
          expect(`${String(again.code)} ${again.stderr}`, when).toMatch(CLEAN);
        }
        expect(existsSync(journalPath(layout)), when).toBe(false);
        // Once, whether the first of the two did it or the second.
        expect(readApplyHistory(system, layout).length, when).toBe(before + 1);
        expect(peekState(layout, `renamed-${String(version)}`).last_success, when).toBe(5);
        expect(readFileSync(layout.cronFile, 'utf8'), when).not.toContain(`only-${String(version - 1)} `);
      }
      expect(hits).toBeGreaterThan(points.length * 0.8);
    },
    spreadFaults(1).length * 8000,
  );
});
