import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withRightsOf } from '../support/rights.js';
import { isAlive } from '../../src/state/alive.js';
import { emptyState } from '../../src/state/package-state.js';
import { published } from '../../src/state/publish.js';
import { tryLock } from '../../src/system/flock.js';
import { aPackage, aRun, NOON } from './site.js';
import { siteOfTest } from './site-of-test.js';

// What a process that may not look says: not that there is nothing.

const root = process.getuid?.() === 0;
const asNobody = <T>(action: () => T): T => withRightsOf(65_534, 65_534, action);

test.skipIf(!root)('a run whose lock somebody may not open is believed to live', () => {
  const { layout } = siteOfTest(aPackage('debian'));
  chmodSync(layout.root, 0o755);
  const gone = aRun({ pid_start: 1 });
  expect(asNobody(() => isAlive(layout, 'debian', gone))).toBe(false);
  tryLock(layout.runLock('debian'))?.release();
  chmodSync(layout.runLock('debian'), 0o600);
  expect(asNobody(() => isAlive(layout, 'debian', gone))).toBe(true);
  expect(isAlive(layout, 'debian', gone)).toBe(false);
});

test.skipIf(!root)('a tree of our own that a publisher may not look at is not missing', () => {
  const { layout } = siteOfTest();
  chmodSync(layout.root, 0o755);
  mkdirSync(`${layout.root}/closed/own`, { recursive: true });
  chmodSync(`${layout.root}/closed`, 0o700);
  const status = (dst: string): string => {
    const own = aPackage('own', { synctype: 'local', syncrate: '', src: '', stale_after: null, dst });
    return asNobody(
      () => published(layout, own, { state: emptyState('own'), unreadable: null }, null, NOON).view.published,
    );
  };
  expect(status(`${layout.root}/closed/own`)).toBe('ACTIVE');
  expect(status(`${layout.root}/nothing`)).toBe('UNKNOWN');
  writeFileSync(`${layout.root}/file`, '');
  expect(status(`${layout.root}/file`)).toBe('UNKNOWN');
});
