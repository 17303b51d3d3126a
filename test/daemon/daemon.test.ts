import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { MirrorClient } from '../../src/control/client.js';
import { ENTRY, lines, machine, script, until, type Machine } from './machine.js';

/** `mirror daemon`, the built program, below a --root of its own. */
let site: Machine;
afterEach(() => site.remove());

const daily = { syncrate: 'P1D' };

/** Makes slots of the past two days nobody's but this package's: as if the daemon had not been there. */
function wasDown(id: string): void {
  writeFileSync(site.layout.baselineFile(id), JSON.stringify({ at: Date.now() - 2 * 86_400_000 }));
}

describe('mirror daemon', () => {
  test('applies the config, makes up what was missed, publishes, and ends when told to', async () => {
    site = machine();
    site.config({
      debian: script('debian', 'echo x >>$FLAGS/ran', daily),
      other: script('other', 'exit 1', daily),
    });
    expect((await site.run('apply')).code).toBe(0);
    wasDown('debian');
    const one = site.daemon();
    expect(await one.event('started')).toMatchObject({ format: 'mirror/daemon/1', packages: 2 });
    await until(() => site.state('debian').last !== null, 'a run');
    expect(site.state('debian').last).toMatchObject({ outcome: 'synced', trigger: 'schedule' });
    expect(site.state('other').last).toBeNull();
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    expect(one.events.at(-1)).toMatchObject({ event: 'stopped', left: 0 });
    expect(readFileSync(join(site.root, 'www/status.json'), 'utf8')).toContain('"ACTIVE"');
    expect(lines(join(site.root, 'ran'))).toEqual(['x']);
  });

  test('takes up what SIGHUP, a request or somebody’s apply changed, and says which packages', async () => {
    site = machine();
    site.config({ debian: script('debian', 'true', daily), gone: script('gone', 'true', daily) });
    const one = site.daemon();
    await one.event('started');
    site.config({ debian: script('debian', 'echo new', daily), added: script('added', 'true', daily) });
    one.child.kill('SIGHUP');
    expect(await one.event('reloaded')).toMatchObject({
      packages: 2,
      added: ['added'],
      changed: ['debian'],
      removed: ['gone'],
    });

    site.config({ debian: script('debian', 'echo newer', daily), added: script('added', 'true', daily) });
    const client = await MirrorClient.connect({ path: site.layout.controlSocket });
    expect(await client.request('reload')).toEqual({ added: [], changed: ['debian'], removed: [] });

    site.config({
      debian: script('debian', 'echo newer', daily),
      added: { ...script('added', 'true'), schedule: '0 25 * * *' },
    });
    await expect(client.request('reload')).rejects.toMatchObject({ status: 409 });
    expect(one.events.at(-1)).toMatchObject({ event: 'not-applied', exit: 78 });
    client.close();

    site.config({ debian: script('debian', 'echo newer', daily) });
    expect((await site.run('apply')).code).toBe(0);
    expect(await one.event('reloaded', 3)).toMatchObject({ packages: 1, removed: ['added'] });
  });

  test('answers on the control socket, whose mode the config says', async () => {
    site = machine();
    site.config({ debian: script('debian', 'echo x >>$FLAGS/ran') }, { socket: { mode: '0660' } });
    const one = site.daemon();
    await one.event('started');
    const mode = (): number => statSync(site.layout.controlSocket, { throwIfNoEntry: false })?.mode ?? 0;
    await until(() => (mode() & 0o777) === 0o660, 'the socket');
    const client = await MirrorClient.connect({ path: site.layout.controlSocket });
    expect(client.server.role).toBe('daemon');
    expect(await client.ping()).toBe('pong');
    await client.startSync('debian');
    await until(() => lines(join(site.root, 'ran')).length === 1, 'the run');
    client.close();
  });

  test('tells runs to end before it ends: their slot stays due, and nothing says SYNC', async () => {
    site = machine();
    site.config({
      slow: script('slow', 'echo x >>$FLAGS/slow; exec sleep 60', daily),
      asked: script('asked', 'echo x >>$FLAGS/asked; exec sleep 60'),
    });
    await site.run('apply');
    wasDown('slow');
    const one = site.daemon();
    await one.event('started');
    // Started by a person, not by the daemon.
    await site.run('push', 'asked');
    for (const id of ['slow', 'asked']) await until(() => lines(join(site.root, id)).length === 1, id);
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    expect(one.events.at(-1)).toMatchObject({ event: 'stopped', left: 0 });
    for (const id of ['slow', 'asked']) {
      expect(site.state(id)).toMatchObject({ run: null, last: { outcome: 'interrupted' }, errors: 0 });
    }
    expect(readFileSync(join(site.root, 'www/status.json'), 'utf8')).not.toContain('SYNC');
    const two = site.daemon();
    await until(() => lines(join(site.root, 'slow')).length === 2, 'the slot again');
    two.child.kill('SIGTERM');
    await two.ended;
  });

  test('holds, stops and pushes during a run are what they are under systemd and cron', async () => {
    site = machine();
    const long =
      'echo x >>$FLAGS/long; : >$MIRROR_DST/file; n=0; while ! [ -e $FLAGS/go ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n+1)); done';
    site.config({
      long: script('long', long, daily),
      held: script('held', 'echo x >>$FLAGS/held', daily),
      stuck: script('stuck', 'echo x >>$FLAGS/stuck; exec sleep 60', daily),
    });
    await site.run('apply');
    for (const id of ['long', 'held', 'stuck']) wasDown(id);
    await site.run('hold', 'held', '--reason', 'disk check');
    const one = site.daemon();
    for (const id of ['long', 'stuck']) await until(() => lines(join(site.root, id)).length === 1, id);
    for (let i = 0; i < 3; i += 1) await site.run('push', 'long', '--debounce', 'PT0S');
    expect((await site.run('stop', 'stuck')).code).toBe(0);
    expect(site.state('stuck')).toMatchObject({ run: null, last: { outcome: 'stopped' }, errors: 0 });
    writeFileSync(join(site.root, 'go'), '');
    await until(
      () => lines(site.layout.historyFile('long')).length === 2 && site.state('long').run === null,
      'two runs',
    );
    expect(lines(join(site.root, 'long'))).toEqual(['x', 'x']);
    expect(lines(join(site.root, 'held'))).toEqual([]);
    one.child.kill('SIGTERM');
    await one.ended;
  });

  test('killed at work, the next one finds everything in the state', async () => {
    site = machine();
    site.config({ slow: script('slow', 'echo x >>$FLAGS/slow; sleep 1', daily) });
    await site.run('apply');
    wasDown('slow');
    const one = site.daemon();
    await until(() => lines(join(site.root, 'slow')).length === 1, 'the run');
    one.child.kill('SIGKILL');
    await one.ended;
    const two = site.daemon();
    await two.event('started');
    // The run outlived its daemon, and was not started twice.
    await until(() => site.state('slow').last !== null, 'its end');
    expect(site.state('slow').last).toMatchObject({ outcome: 'synced' });
    expect(lines(join(site.root, 'slow'))).toEqual(['x']);
  });

  test('is one: a second daemon says so, and so does a site of another scheduler or none', async () => {
    site = machine();
    const none = site.daemon('--no-apply');
    expect(await none.ended).toBe(66);
    site.config({ debian: script('debian', 'true', daily) });
    const one = site.daemon();
    await one.event('started');
    const two = site.daemon();
    expect(await two.ended).toBe(75);
    expect(two.stderr()).toContain('a daemon is running already');
    one.child.kill('SIGTERM');
    await one.ended;
    site.config({ debian: script('debian', 'true', daily) }, { scheduler: 'crontab', executable: ENTRY });
    const other = site.daemon();
    expect(await other.ended).toBe(78);
    expect(other.stderr()).toContain('set `settings.scheduler` to `daemon`');
  });
});
