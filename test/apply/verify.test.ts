import { describe, expect, test } from 'vitest';
import type { Operation } from '../../src/apply/operation.js';
import { verifyUnits } from '../../src/apply/verify.js';
import { realSystem } from '../../src/system/real.js';
import { pkg } from '../compile/site.js';
import { intend } from './machine.js';

/** What an apply of two packages would write, with a program that is there. */
function writes(): Operation[] {
  const { artifacts } = intend([pkg('debian'), pkg('c++-docs')]);
  return artifacts.flatMap((artifact): Operation[] => {
    if (artifact.kind === 'link') return [];
    const content = artifact.content.replaceAll('"/usr/bin/mirror"', '"/bin/true"');
    return [{ kind: 'write', path: artifact.path, content, mode: artifact.mode }];
  });
}

const spoil = (path: RegExp, from: string, to: string): Operation[] =>
  writes().map((write) =>
    write.kind === 'write' && path.test(write.path)
      ? { ...write, content: write.content.replace(from, to) }
      : write,
  );

describe('systemd-analyze verify', () => {
  test('takes what we compile', async () => {
    expect(await verifyUnits(writes(), realSystem())).toEqual([]);
  });

  test('refuses a line that systemd would only skip', async () => {
    const found = await verifyUnits(spoil(/debian\.timer$/, 'OnCalendar=', 'OnCalendar=PT10M'), realSystem());
    expect(found[0]?.message).toMatch(/^systemd refuses a unit: mirror-sync-debian\.timer:\d+: /);
  });

  test('refuses a program that is not there', async () => {
    const found = await verifyUnits(
      spoil(/debian\.service$/, '"/bin/true"', '"/bin/nothing-here"'),
      realSystem(),
    );
    expect(found[0]?.message).toContain('mirror-sync-debian.service');
  });

  test('reads a drop-in with the unit it belongs to', async () => {
    const dropIn = {
      kind: 'write',
      path: '/etc/systemd/system/mirror-sync-debian.service.d/50-adopted.conf',
      content: '[Service]\nNonsense=1\n',
      mode: 0o644,
    } as const;
    const found = await verifyUnits([...writes(), dropIn], realSystem());
    expect(found[0]?.message).toContain('50-adopted.conf');
  });

  test('is not asked when no unit changes', async () => {
    const never = { ...realSystem(), query: () => Promise.reject(new Error('started')) };
    expect(await verifyUnits([{ kind: 'unlink', path: '/etc/systemd/system/a.timer' }], never)).toEqual([]);
  });
});
