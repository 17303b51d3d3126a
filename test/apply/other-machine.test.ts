import { describe, expect, test } from 'vitest';
import { apply } from '../../src/apply/apply.js';
import { machineRecordPath } from '../../src/apply/machine.js';
import { layout } from '../../src/job/layout.js';
import type { MemorySystem, Node } from '../../src/system/memory.js';
import { pkg } from '../compile/site.js';
import { ask, intend, machine } from './machine.js';

const RECORD = machineRecordPath(layout());
const OURS = '0123456789abcdef0123456789abcdef';
const THEIRS = 'fedcba9876543210fedcba9876543210';
const site = intend([pkg('debian')]);

const file = (content: string): Node => ({ kind: 'file', content, mode: 0o444 });

/** A machine with this id. */
function machineOf(id: string, more: Record<string, Node> = {}): MemorySystem {
  return machine({ '/etc/machine-id': file(`${id}\n`), ...more });
}

/** The record that a machine's first apply leaves. */
async function recordOf(id: string): Promise<Node> {
  const system = machineOf(id);
  await apply(site, ask(), system);
  return system.tree.get(RECORD) as Node;
}

describe('apply', () => {
  test('leaves word of the machine, not its id, and has nothing to do afterwards', async () => {
    const system = machineOf(OURS);
    expect(await apply(site, ask(), system)).toMatchObject({ kind: 'applied' });
    const record = JSON.parse(system.read(RECORD) ?? '') as object;
    expect(record).toMatchObject({ format: 'mirror/machine/1', node: site.site.node, since: system.now() });
    expect(JSON.stringify(record)).not.toContain(OURS);
    expect(await apply(site, ask(), system)).toMatchObject({ kind: 'nothing' });
  });

  test('refuses the states of another machine, and takes them over when it is told to', async () => {
    const system = machineOf(OURS, { [RECORD]: await recordOf(THEIRS) });
    const before = new Map(system.tree);
    const refused = await apply(site, ask(), system);
    expect(refused).toMatchObject({ kind: 'refused', refusals: [{ code: 'other-machine', exit: 77 }] });
    expect(refused).toHaveProperty('refusals.0.help', expect.stringContaining('mirror apply --take-over'));
    expect(system.tree).toEqual(before);
    expect(await apply(site, ask({ takeOver: true }), system)).toMatchObject({ kind: 'applied' });
    expect(system.read(RECORD)).toBe(((await recordOf(OURS)) as { content: string }).content);
    expect(await apply(site, ask(), system)).toMatchObject({ kind: 'nothing' });
  });

  test('refuses them where nothing else is to be done, and then takes over no more than them', async () => {
    const system = machineOf(OURS);
    await apply(site, ask(), system);
    system.tree.set(RECORD, await recordOf(THEIRS));
    expect(await apply(site, ask(), system)).toMatchObject({ kind: 'refused' });
    const files = new Map(system.tree);
    expect(await apply(site, ask({ takeOver: true }), system)).toMatchObject({
      kind: 'applied',
      plan: { changes: [], packages: [] },
    });
    const changed = [...system.tree].filter(([path, node]) => files.get(path) !== node).map(([path]) => path);
    expect(changed.sort()).toEqual([layout().applyHistory, RECORD].sort());
  });

  test.each([
    ['is not there', {}],
    ['was never set', { '/etc/machine-id': file('uninitialized\n') }],
    [
      'lasts as long as a boot or a container',
      {
        '/etc/machine-id': file(`${OURS}\n`),
        '/proc/self/mountinfo': file(
          '20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 0:5 /machine-id /etc/machine-id ro - tmpfs run rw\n',
        ),
      },
    ],
  ])('asks nothing where the id %s', async (_, more) => {
    const theirs = await recordOf(THEIRS);
    const system = machine({ ...more, [RECORD]: theirs });
    expect(await apply(site, ask(), system)).toMatchObject({ kind: 'applied' });
    expect(system.tree.get(RECORD)).toEqual(theirs);
  });

  test('asks nothing below --root, nor of the daemon', async () => {
    const theirs = await recordOf(THEIRS);
    const daemon = intend([pkg('debian')], { scheduler: 'daemon' });
    expect(await apply(daemon, ask(), machineOf(OURS, { [RECORD]: theirs }))).toMatchObject({
      kind: 'applied',
    });
    const below = intend([pkg('debian')], {}, '/image');
    const image = machineOf(OURS, { [machineRecordPath(below.layout)]: theirs });
    expect(await apply(below, ask(), image)).not.toMatchObject({ kind: 'refused' });
  });

  test('takes what cannot be understood for no record', async () => {
    const system = machineOf(OURS, { [RECORD]: file('{"format":"mirror/machine/1","id":7}') });
    expect(await apply(site, ask(), system)).toMatchObject({ kind: 'applied' });
    expect(system.tree.get(RECORD)).toMatchObject({
      content: ((await recordOf(OURS)) as { content: string }).content,
    });
  });
});
