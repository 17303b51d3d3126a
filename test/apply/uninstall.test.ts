import { describe, expect, test } from 'vitest';
import { apply } from '../../src/apply/apply.js';
import { needsOf, setup } from '../../src/apply/setup.js';
import { uninstall } from '../../src/apply/uninstall.js';
import { layout } from '../../src/job/layout.js';
import type { Site } from '../../src/model/site.js';
import { intercept } from '../../src/system/intercept.js';
import { memorySystem, type MemorySystem, type Node } from '../../src/system/memory.js';
import { pkg } from '../compile/site.js';
import { ask, enabled, intend, machine, MIRROR, picture } from './machine.js';

const paths = layout();
const intent = intend([pkg('debian'), pkg('own', { password: { literal: 'hunter2' } })]);
const readers = ['systemd-sysusers', 'systemd-tmpfiles', 'logrotate', 'systemctl', 'systemd-analyze'];
const made = ['/etc/tmpfiles.d/mirror.conf', '/etc/logrotate.d/mirror-site'];

/** With a log that logrotate is to rotate. */
function withLog(site: Site): Site {
  const fileformat = { base: '/var/log/mirror', folder: '', filename: 'mirror.log', gzip: true };
  return { ...site, settings: { ...site.settings, logger: { ...site.settings.logger, fileformat } } };
}

/** A machine that is set up and applied, with state, a config and mirrored data. */
async function installed(): Promise<MemorySystem> {
  const tools = readers.map((name): [string, Node] => [
    `/usr/bin/${name}`,
    { kind: 'file', content: '', mode: 0o755 },
  ]);
  const keep = (path: string): [string, Node] => [path, { kind: 'file', content: 'mine', mode: 0o644 }];
  const dst: [string, Node] = ['/srv/ftp/debian', { kind: 'directory', mode: 0o755, ...MIRROR }];
  const system = machine(
    Object.fromEntries([...tools, dst, keep('/etc/mirror/config.json'), keep('/srv/ftp/debian/README')]),
  );
  await setup(needsOf(withLog(intent.site)), paths, system);
  expect((await apply(intent, ask(), system)).kind).toBe('applied');
  system.writeFile(`${paths.state}/history/debian.jsonl`, 'run\n', 0o644);
  system.ran.length = 0;
  return system;
}

const generated = (system: MemorySystem): string[] =>
  [...system.tree.keys()].filter((path) => /systemd\/system\/.*mirror|compiled\/(jobs\/|site)/.test(path));

describe('setup --uninstall', () => {
  test('stops the timers, removes what was generated and made, and keeps what is not its own', async () => {
    const system = await installed();
    expect(made.filter((path) => !system.tree.has(path))).toEqual([]);
    const { problems } = await uninstall(paths, false, system);
    expect(problems).toEqual([]);
    expect(generated(system)).toEqual([]);
    for (const path of [...made, paths.manifest, `${paths.secrets}/own.password`])
      expect(system.tree.has(path), path).toBe(false);
    expect(system.ran).toEqual([`systemctl stop -- ${enabled(intent).join(' ')}`, 'systemctl daemon-reload']);
    for (const path of ['/etc/mirror/config.json', '/srv/ftp/debian/README', '/usr/bin/mirror'])
      expect(system.tree.has(path), path).toBe(true);
    expect(system.read(`${paths.state}/history/debian.jsonl`)).toBe('run\n');
    expect(system.facts('/srv/ftp')?.kind).toBe('directory');
  });

  test('after a setup alone leaves the machine as it was before', async () => {
    const tree = Object.fromEntries(
      ['flock', 'rsync', ...readers].map((name): [string, Node] => [
        `/usr/bin/${name}`,
        { kind: 'file', content: '', mode: 0o755 },
      ]),
    );
    const system = memorySystem(new Map(Object.entries(tree)), { users: { mirror: MIRROR } });
    await setup(needsOf(intent.site), paths, system);
    expect(system.tree.size).toBeGreaterThan(20);
    expect((await uninstall(paths, false, system)).problems).toEqual([]);
    expect(Object.fromEntries(system.tree)).toEqual(tree);
  });

  test('a second time finds nothing to do', async () => {
    const system = await installed();
    await uninstall(paths, false, system);
    const before = picture(system);
    expect(await uninstall(paths, true, system)).toEqual({ done: [], problems: [] });
    expect(picture(system)).toEqual(before);
  });

  test('leaves a file that somebody edited, and its record, until it is forced', async () => {
    const system = await installed();
    const unit = `${paths.units}/mirror-sync-debian.service`;
    system.writeFile(unit, 'mine', 0o644);
    const { problems } = await uninstall(paths, false, system);
    expect(problems).toEqual([`${unit} was edited since mirror wrote it: --force removes it`]);
    expect(generated(system)).toEqual([unit]);
    expect(system.read(paths.manifest)).toContain(unit);
    expect(made.filter((path) => !system.tree.has(path))).toEqual([]);
    expect((await uninstall(paths, true, system)).problems).toEqual([]);
    expect(generated(system)).toEqual([]);
  });

  test('leaves the logrotate rule that an admin changed', async () => {
    const system = await installed();
    system.writeFile('/etc/logrotate.d/mirror-site', 'mine', 0o644);
    const { problems } = await uninstall(paths, false, system);
    expect(problems).toEqual([
      '/etc/logrotate.d/mirror-site was edited since setup wrote it: --force removes it',
    ]);
  });

  test('leaves the files of setup alone that a record copied from another installation lists', async () => {
    const system = await installed();
    const review = layout('/srv/review');
    const record = `${review.compiled}/setup.json`;
    const content = system.read(`${paths.compiled}/setup.json`) ?? '';
    system.tree.set(record, { kind: 'file', content, mode: 0o644 });
    expect((await uninstall(review, true, system)).problems).toEqual([]);
    expect(made.filter((path) => !system.tree.has(path))).toEqual([]);
  });

  test('killed at any step, is finished by the next one', async () => {
    const clean = await installed();
    let steps = 0;
    await uninstall(
      paths,
      false,
      intercept(clean, () => (steps += 1)),
    );
    expect(steps).toBeGreaterThan(20);
    for (let n = 1; n <= steps; n += 1) {
      const system = await installed();
      let step = 0;
      // Dead: after the nth step nothing happens any more, not even a rollback.
      const dying = intercept(system, () => {
        if (++step >= n) throw new Error('killed');
      });
      await uninstall(paths, false, dying).catch(() => null);
      expect((await uninstall(paths, false, system)).problems, `killed at ${String(n)}`).toEqual([]);
      expect(picture(system), `killed at ${String(n)}`).toEqual(picture(clean));
    }
  });

  test('puts everything back when systemd refuses', async () => {
    const system = await installed();
    const before = picture(system);
    const refusing = {
      ...system,
      run: (argv: readonly string[]) =>
        Promise.resolve({ code: argv[1] === 'daemon-reload' ? 1 : 0, stdout: '', stderr: 'no' }),
    };
    const { problems } = await uninstall(paths, false, refusing);
    expect(problems[0]).toContain('systemctl daemon-reload failed: no');
    const { [`${paths.compiled}/journal.json`]: journal, ...after } = picture(system);
    expect(after).toEqual(before);
    expect(journal).toBeDefined();
  });
});
