import { describe, expect, test } from 'vitest';
import { apply } from '../../src/apply/apply.js';
import { layout } from '../../src/job/layout.js';
import { emptyState } from '../../src/state/package-state.js';
import type { Node } from '../../src/system/memory.js';
import { pkg } from '../compile/site.js';
import { ask, intend, machine, MIRROR } from './machine.js';

const paths = layout();
const debian = pkg('debian');
const arch = pkg('ArchLinux', { syncrate: 'PT1H' });

describe('--refetch for a dst that stays and is empty: a new disk', () => {
  const synced = { ...emptyState('debian'), last_success: 1, size: { files: 5, bytes: null } };
  const state = { kind: 'file', content: JSON.stringify(synced), mode: 0o664 } as const;
  const refetch = ask({ refetch: true });

  test('names it to the executor once, and makes a missing one', async () => {
    const system = machine();
    await apply(intend([debian, arch]), ask(), system);
    const at = system.now();
    system.tree.set(paths.stateFile('debian'), state);
    expect(await apply(intend([debian, arch]), ask(), system)).toMatchObject({ kind: 'nothing' });
    system.tree.delete('/srv/ftp/debian');
    expect(await apply(intend([debian, arch]), refetch, system)).toMatchObject({
      kind: 'applied',
      plan: { packages: [{ id: 'debian', notes: ['/srv/ftp/debian is created and filled anew'] }] },
    });
    expect(system.facts('/srv/ftp/debian')).toMatchObject({ kind: 'directory', ...MIRROR });
    const baseline = JSON.parse(system.read(paths.baselineFile('debian')) ?? '') as unknown;
    expect(baseline).toEqual({ at, fresh_after: 1, fresh_dst: '/srv/ftp/debian' });
    expect(await apply(intend([debian, arch]), refetch, system)).toMatchObject({ kind: 'nothing' });
  });

  test('is needed, too, for a package that comes back to a dst that is empty or missing', async () => {
    const system = machine();
    await apply(intend([debian, arch]), ask(), system);
    system.tree.set(paths.stateFile('debian'), state);
    await apply(intend([arch]), ask(), system);
    for (const lost of ['empty', 'missing']) {
      if (lost === 'missing') system.tree.delete('/srv/ftp/debian');
      expect(await apply(intend([debian, arch]), ask(), system)).toMatchObject({
        kind: 'refused',
        refusals: [
          {
            code: 'refetch',
            exit: 77,
            message: `debian: /srv/ftp/debian is ${lost}, and it has been synced before: everything would be downloaded again`,
            help: 'put its files back there, or allow the download with --refetch',
          },
        ],
      });
    }
    expect(await apply(intend([debian, arch]), refetch, system)).toMatchObject({ kind: 'applied' });
    expect(JSON.parse(system.read(paths.baselineFile('debian')) ?? '')).toMatchObject({
      fresh_after: 1,
      fresh_dst: '/srv/ftp/debian',
    });
    // Allowed once, it may go and come as often as it likes until something was synced there.
    await apply(intend([arch]), ask(), system);
    expect(await apply(intend([debian, arch]), ask(), system)).toMatchObject({ kind: 'applied' });
  });

  test('is nothing for one that holds files, was never synced, or whose disk is not mounted', async () => {
    const guarded = pkg('debian', { guard: { ...debian.guard, mount: '/srv/ftp' } });
    for (const packages of [[debian], [arch], [guarded]]) {
      const system = machine({ '/proc/self/mountinfo': mountinfo('/srv/ftp') });
      await apply(intend(packages), ask(), system);
      system.tree.set(paths.stateFile('debian'), state);
      if (packages[0] === debian)
        system.tree.set('/srv/ftp/debian/README', { kind: 'file', content: '', mode: 0o644 });
      system.tree.set('/proc/self/mountinfo', mountinfo('/elsewhere'));
      expect(await apply(intend(packages), refetch, system)).toMatchObject({ kind: 'nothing' });
    }
  });
});

function mountinfo(path: string): Node {
  return { kind: 'file', content: `30 1 0:28 / ${path} rw,relatime - ext4 /dev/sdb1 rw\n`, mode: 0o444 };
}
