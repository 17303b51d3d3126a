import { describe, expect, test } from 'vitest';
import { apply } from '../../src/apply/apply.js';
import { readApplyHistory } from '../../src/apply/history.js';
import { uninstall } from '../../src/apply/uninstall.js';
import { layout } from '../../src/job/layout.js';
import { emptyState } from '../../src/state/package-state.js';
import { intercept } from '../../src/system/intercept.js';
import { pkg } from '../compile/site.js';
import { ask, enabled, intend, machine, MIRROR, picture } from './machine.js';

const paths = layout();
const debian = pkg('debian');
const arch = pkg('ArchLinux', { syncrate: 'PT1H' });

describe('a first apply', () => {
  test('writes units before it starts their timers, reloads once, and publishes last', async () => {
    const system = machine();
    const result = await apply(intend([debian, arch]), ask(), system);
    expect(result).toMatchObject({ kind: 'applied', messages: [] });
    expect(system.ran).toEqual([
      'systemctl daemon-reload',
      expect.stringMatching(/^systemctl start -- /),
      '/usr/bin/mirror publish',
    ]);
    expect((system.ran[1] ?? '').split(' ').slice(3).sort()).toEqual(enabled(intend([debian, arch])));
    expect(system.actual(paths.job('debian')).kind).toBe('file');
    expect(system.actual(`${paths.compiled}/journal.json`).kind).toBe('absent');
  });

  test('makes a missing dst for the user who will fill it, and a baseline before anything can start', async () => {
    const system = machine();
    const order: string[] = [];
    await apply(
      intend([debian]),
      ask(),
      intercept(system, (mutation, what) => order.push(`${mutation} ${what}`)),
    );
    expect(system.facts('/srv/ftp/debian')).toEqual({ kind: 'directory', mode: 0o755, ...MIRROR });
    const baseline = order.indexOf(`writeFile ${paths.baselineFile('debian')}`);
    const start = order.findIndex((line) => line.startsWith('run systemctl start'));
    expect(baseline).toBeGreaterThan(-1);
    expect(baseline).toBeLessThan(start);
    expect(system.read(paths.baselineFile('debian'))).toBe(`{"at":${String(system.now())}}`);
  });

  test('makes a dst within another package’s dst after that one', async () => {
    const system = machine();
    const inner = pkg('aaa', { dst: '/srv/ftp/debian/extra' });
    expect(await apply(intend([inner, debian]), ask(), system)).toMatchObject({ kind: 'applied' });
    expect(system.facts('/srv/ftp/debian/extra')).toMatchObject(MIRROR);
  });

  test('is recorded with who did it and what it changed', async () => {
    const system = machine();
    await apply(intend([debian]), ask(), system);
    expect(readApplyHistory(system, paths)).toMatchObject([
      {
        by: 'alice',
        packages: { new: 1, changed: 0, removed: 0 },
        ids: ['+debian'],
        config: '/etc/mirror/config.json',
      },
    ]);
  });

  test('with --hold installs every package held', async () => {
    const system = machine();
    const hold = { since: 1, until: null, by: 'alice', reason: 'apply --hold' };
    await apply(intend([debian]), ask({}, { hold }), system);
    expect(JSON.parse(system.read(paths.holdFile('debian')) ?? '')).toEqual(hold);
    // One that was let go stays so.
    system.unlink(paths.holdFile('debian'));
    await apply(intend([pkg('debian', { syncrate: 'PT2H' }), arch]), ask({}, { hold }), system);
    expect(system.read(paths.holdFile('debian'))).toBeNull();
    expect(system.read(paths.holdFile('ArchLinux'))).not.toBeNull();
  });

  test('takes over the history of mirror.py before anything overwrites it', async () => {
    const stat = JSON.stringify({
      mirrorname: 'x',
      packages: {
        debian: {
          id: 'debian',
          status: { status: 'ACTIVE', statusinfo: { lastsuccesstime: 1_795_000_000, errorcount: 0 } },
        },
      },
    });
    const system = machine({ '/var/lib/mirror/stat.json': { kind: 'file', content: stat, mode: 0o640 } });
    const result = await apply(intend([debian, arch]), ask(), system);
    expect(result).toMatchObject({
      messages: [
        'history of 1 package taken over from /var/lib/mirror/stat.json, kept as /var/lib/mirror/stat.json.bak',
      ],
    });
    expect(JSON.parse(system.read(paths.stateFile('debian')) ?? '')).toMatchObject({
      last_success: 1_795_000_000_000,
    });
    expect(system.read('/var/lib/mirror/stat.json.bak')).toBe(stat);
  });
});

test('a stat.json of which nothing is understood is kept all the same, beside an older backup', async () => {
  const file = (content: string) => ({ kind: 'file', content, mode: 0o640 }) as const;
  const statfile = '/var/lib/mirror/stat.json';
  const system = machine({
    [statfile]: file('{"packages": {"renamed": {}}}'),
    [`${statfile}.bak`]: file('old'),
  });
  expect(await apply(intend([debian]), ask(), system)).toMatchObject({
    messages: [`${statfile} tells nothing new of these packages; it is kept as ${statfile}.bak.1`],
  });
  expect(system.read(`${statfile}.bak`)).toBe('old');
  expect(system.read(`${statfile}.bak.1`)).toBe('{"packages": {"renamed": {}}}');
});

test('a stat.json that statfile names later is taken over by packages without a state, and kept', async () => {
  const system = machine();
  await apply(intend([debian, arch]), ask(), system);
  const own = JSON.stringify({ ...emptyState('debian'), last_success: 1 });
  system.tree.set(paths.stateFile('debian'), { kind: 'file', content: own, mode: 0o664 });
  const entry = {
    status: { status: 'ACTIVE', statusinfo: { lastsuccesstime: 1_795_000_000, errorcount: 0 } },
  };
  const stat = JSON.stringify({ packages: { debian: entry, ArchLinux: entry } });
  const statfile = '/var/www/mirror/stat.json';
  system.tree.set(statfile, { kind: 'file', content: stat, mode: 0o644 });
  const changed = intend([debian, arch], { statfile });
  expect(await apply(changed, ask(), system)).toMatchObject({
    messages: [`history of 1 package taken over from ${statfile}, kept as ${statfile}.bak`],
  });
  expect(system.read(`${statfile}.bak`)).toBe(stat);
  expect(system.read(paths.stateFile('debian'))).toBe(own);
  expect(system.read(paths.stateFile('ArchLinux'))).toContain('"last_success":1795000000000');
  // From now on it is what mirror publishes.
  system.tree.set(statfile, { kind: 'file', content: '{"packages":{}}', mode: 0o644 });
  const hourly = intend([pkg('debian', { syncrate: 'PT1H' }), arch], { statfile });
  expect(await apply(hourly, ask(), system)).toMatchObject({ kind: 'applied', messages: [] });
});

test('a dst that may move to an empty place is named to the executor, which fills no other empty one', async () => {
  const system = machine();
  await apply(intend([debian]), ask(), system);
  const at = system.now();
  system.tree.set('/srv/ftp/debian/README', { kind: 'file', content: '', mode: 0o644 });
  const moved = intend([pkg('debian', { dst: '/srv/ftp/new' })]);
  expect(await apply(moved, ask(), system)).toMatchObject({ kind: 'refused' });
  expect(await apply(moved, ask({ refetch: true }), system)).toMatchObject({ kind: 'applied' });
  const baseline = JSON.parse(system.read(paths.baselineFile('debian')) ?? '') as unknown;
  expect(baseline).toEqual({ at, fresh_after: null, fresh_dst: '/srv/ftp/new' });
});

describe('a second apply', () => {
  test('changes nothing, takes no lock and starts no process', async () => {
    const system = machine({}, { program: (argv) => ({ stdout: argv.join(' ') }) });
    await apply(intend([debian, arch]), ask(), system);
    const before = picture(system);
    const touched: string[] = [];
    const watched = intercept(system, (mutation, what) => touched.push(`${mutation} ${what}`));
    const noQuery = { ...watched, query: () => Promise.reject(new Error('a process was started')) };
    expect(await apply(intend([debian, arch]), ask(), noQuery)).toMatchObject({ kind: 'nothing' });
    expect(touched).toEqual([]);
    expect(picture(system)).toEqual(before);
  });

  test('for a changed schedule sets a new baseline and restarts nothing', async () => {
    const system = machine();
    await apply(intend([debian, arch]), ask(), system);
    system.ran.length = 0;
    const later = { ...system, now: () => system.now() + 1000 };
    await apply(intend([pkg('debian', { syncrate: 'PT2H' }), arch]), ask(), later);
    expect(system.ran).toEqual(['systemctl daemon-reload', '/usr/bin/mirror publish']);
    expect(system.read(paths.baselineFile('debian'))).toBe(`{"at":${String(system.now() + 1000)}}`);
    expect(system.read(paths.baselineFile('ArchLinux'))).toBe(`{"at":${String(system.now())}}`);
  });

  test('for a changed job alone does not even reload', async () => {
    const system = machine();
    await apply(intend([debian]), ask(), system);
    system.ran.length = 0;
    const guard = { ...debian.guard, deletes: 7 };
    await apply(intend([pkg('debian', { guard })]), ask(), system);
    expect(system.ran).toEqual(['/usr/bin/mirror publish']);
  });
});

const RECORD = `${JSON.stringify({
  outcome: 'synced',
  failure: null,
  reason: null,
  exit: 0,
  trigger: 'schedule',
  started: 1,
  ended: 2,
  src: null,
  log: null,
  transfer: null,
})}\n`;

describe('a removed package', () => {
  test('has its timer stopped while its files are still there, and then its files are gone', async () => {
    const system = machine();
    await apply(intend([debian, arch]), ask(), system);
    system.ran.length = 0;
    const order: string[] = [];
    const watched = intercept(system, (mutation, what) => order.push(`${mutation} ${what}`));
    await apply(intend([arch]), ask(), watched);
    expect(order.indexOf('run systemctl stop -- mirror-sync-debian.timer')).toBeLessThan(
      order.indexOf(`unlink ${paths.units}/mirror-sync-debian.timer`),
    );
    expect([...system.tree.keys()].filter((path) => /debian/.test(path) && path.startsWith('/etc'))).toEqual(
      [],
    );
    expect(system.ran).not.toContain('/usr/bin/mirror stop -- debian');
  });

  test('has its timer stopped as well when somebody disabled it, and left it active', async () => {
    const system = machine();
    await apply(intend([debian, arch]), ask(), system);
    system.unlink(`${paths.units}/timers.target.wants/mirror-sync-debian.timer`);
    await apply(intend([arch]), ask(), system);
    expect(system.ran).toContain('systemctl stop -- mirror-sync-debian.timer');
  });

  test('has its running sync ended only with --stop-removed', async () => {
    const system = machine();
    await apply(intend([debian, arch]), ask(), system);
    await apply(intend([arch]), ask({}, { stopRemoved: true }), system);
    expect(system.ran).toContain('/usr/bin/mirror stop -- debian');
  });

  test('that comes back under another id brings its state, its history, its incident and a pending request along', async () => {
    const system = machine();
    await apply(intend([debian]), ask(), system);
    system.ran.length = 0;
    system.writeFile(
      paths.stateFile('debian'),
      JSON.stringify({ ...emptyState('debian'), last_success: 5 }),
      0o664,
    );
    system.writeFile(paths.historyFile('debian'), `${RECORD}torn\n`, 0o664);
    const incident = JSON.stringify({ id: 'debian', since: 4, told: ['mail'], over: [] });
    system.writeFile(paths.incidentFile('debian'), incident, 0o664);
    const request = JSON.stringify({ at: 6, by: 'alice', allow_deletes: 9 });
    system.writeFile(paths.requestFile('debian'), request, 0o664);
    const result = await apply(
      intend([pkg('Debian', { renamedFrom: 'debian', dst: '/srv/ftp/debian' })]),
      ask(),
      system,
    );
    expect(result).toMatchObject({
      kind: 'applied',
      plan: { packages: [{ id: 'Debian', renamedFrom: 'debian' }] },
    });
    expect(JSON.parse(system.read(paths.stateFile('Debian')) ?? '')).toMatchObject({
      id: 'Debian',
      last_success: 5,
    });
    expect(system.read(paths.historyFile('Debian'))).toBe(RECORD);
    expect(JSON.parse(system.read(paths.incidentFile('Debian')) ?? '')).toEqual({
      ...(JSON.parse(incident) as object),
      id: 'Debian',
    });
    expect(system.read(paths.requestFile('Debian'))).toBe(request);
    for (const name of ['state', 'incident', 'request', 'history'])
      expect(system.tree.has(`${paths.state}/${name}/debian.json`)).toBe(false);
  });

  test('waits while it runs under the old one: two ids are two run locks on one dst', async () => {
    const system = machine();
    await apply(intend([debian]), ask(), system);
    const running = {
      ...system,
      lock: (path: string) => (path === paths.runLock('debian') ? null : system.lock(path)),
    };
    const result = await apply(
      intend([pkg('Debian', { renamedFrom: 'debian', dst: '/srv/ftp/debian' })]),
      ask(),
      running,
    );
    expect(result).toMatchObject({ kind: 'refused', refusals: [{ code: 'renamed-running', exit: 75 }] });
    expect(system.read(paths.job('Debian'))).toBeNull();
  });
});

describe('an edited file', () => {
  const unit = `${paths.units}/mirror-sync-debian.service`;
  const edited = async (system = machine()): Promise<typeof system> => {
    await apply(intend([debian]), ask(), system);
    const text = system.read(unit) ?? '';
    system.writeFile(unit, text.replace('[Service]', '[Service]\nOOMScoreAdjust=500'), 0o644);
    return system;
  };
  const changed = intend([pkg('debian', { guard: { ...debian.guard, deletes: 7 } })]);

  test('stops apply before any write', async () => {
    const system = await edited();
    const before = picture(system);
    const result = await apply(changed, ask(), system);
    expect(result).toMatchObject({ kind: 'refused', refusals: [{ code: 'drifted', exit: 1 }] });
    expect(picture(system)).toEqual(before);
  });

  test('becomes a drop-in with --adopt', async () => {
    const system = await edited();
    await apply(changed, ask({ drift: 'adopt' }), system);
    expect(system.read(`${unit}.d/50-adopted.conf`)).toBe(
      '# Adopted by mirror apply from an edit of the unit file.\n[Service]\nOOMScoreAdjust=500\n',
    );
    expect(system.read(unit)).not.toContain('OOMScoreAdjust');
    expect(await apply(changed, ask(), system)).toMatchObject({ kind: 'nothing' });
  });

  test('that is no text any more is neither overwritten nor deleted: it could not be put back', async () => {
    const system = machine();
    await apply(intend([debian]), ask(), system);
    const other = { kind: 'other', what: 'file that is no text' } as const;
    const binary = { ...system, actual: (path: string) => (path === unit ? other : system.actual(path)) };
    for (const intent of [changed, intend([])]) {
      const before = picture(system);
      expect(await apply(intent, ask({ drift: 'overwrite' }), binary)).toMatchObject({
        kind: 'refused',
        refusals: [
          {
            code: 'in-the-way',
            message: `${unit} is in the way: a file that is no text that mirror did not write`,
            help: `move it away: mv -T -- ${unit} ${unit}.old`,
          },
        ],
      });
      expect(picture(system)).toEqual(before);
    }
    expect((await uninstall(paths, true, binary)).problems).toEqual([
      `${unit} is in the way: a file that is no text that mirror did not write: move it away`,
    ]);
  });

  test('is overwritten with --force', async () => {
    const system = await edited();
    await apply(changed, ask({ drift: 'overwrite' }), system);
    expect(system.read(unit)).not.toContain('OOMScoreAdjust');
    expect(system.actual(`${unit}.d`).kind).toBe('absent');
  });

  test('is not the same as a removed one, which is made again', async () => {
    const system = machine();
    await apply(intend([debian]), ask(), system);
    system.unlink(`${paths.units}/timers.target.wants/mirror-sync-debian.timer`);
    system.ran.length = 0;
    await apply(intend([debian]), ask(), system);
    expect(system.ran).toContain('systemctl start -- mirror-sync-debian.timer');
  });
});

describe('apply leaves everything as it is', () => {
  const refused = async (
    system: ReturnType<typeof machine>,
    ...given: Parameters<typeof ask>
  ): Promise<unknown> => {
    const before = picture(system);
    const result = await apply(intend([debian]), ask(...given), system);
    expect(picture(system)).toEqual(before);
    return result;
  };

  test('when a file that is not ours is in the way, even with --force', async () => {
    const path = `${paths.units}/mirror-sync-debian.timer`;
    const system = machine({ [path]: { kind: 'file', content: '[Timer]\n', mode: 0o644 } });
    expect(await refused(system, { drift: 'overwrite' })).toMatchObject({
      refusals: [{ code: 'in-the-way', exit: 73 }],
    });
  });

  test('when systemd would not take a staged unit', async () => {
    const stderr = '/stage/mirror-sync-debian.service:3: Unknown key, ignoring.\n';
    const program = (argv: readonly string[]): object =>
      argv[0] === 'systemd-analyze' ? { code: 0, stderr } : {};
    expect(await refused(machine({}, { program }))).toMatchObject({
      kind: 'refused',
      refusals: [
        {
          code: 'bad-unit',
          message: expect.stringMatching('refuses a unit: mirror-sync-debian.service:3') as string,
        },
      ],
    });
  });

  test('but not when systemd complains of other people’s units', async () => {
    const stderr =
      'foo.service: Command /opt/foo is not executable\n/etc/systemd/system/bar.service:1: Unknown key\n';
    const program = (argv: readonly string[]): object =>
      argv[0] === 'systemd-analyze' ? { code: 1, stderr } : {};
    expect(await apply(intend([debian]), ask(), machine({}, { program }))).toMatchObject({ kind: 'applied' });
  });

  test('when systemctl fails: what was written is taken back, and it says so', async () => {
    const program = (argv: readonly string[]): object =>
      argv[1] === 'start' ? { code: 1, stderr: 'Access denied' } : {};
    expect(await refused(machine({}, { program }))).toEqual({
      kind: 'failed',
      reason: 'systemctl start failed: Access denied',
      problems: [],
    });
  });

  test('when somebody else applies', async () => {
    const system = machine();
    expect(await apply(intend([debian]), ask(), { ...system, lock: () => null })).toEqual({ kind: 'busy' });
  });
});
