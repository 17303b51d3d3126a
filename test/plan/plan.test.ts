import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { apply } from '../../src/apply/apply.js';
import { observe } from '../../src/apply/observe.js';
import { assemble } from '../../src/plan/assemble.js';
import { filePatches, markdown, planDocument } from '../../src/plan/documents.js';
import { EMPTY_MANIFEST, nextManifest } from '../../src/plan/manifest.js';
import type { Plan } from '../../src/plan/plan.js';
import {
  renderPatches,
  renderPackages,
  renderRefusals,
  renderWarnings,
  summary,
} from '../../src/plan/render.js';
import { scheduleText } from '../../src/plan/schedule-text.js';
import { memorySystem, type MemorySystem, type Node } from '../../src/system/memory.js';
import type { Package, Settings } from '../../src/model/site.js';
import { pkg, source } from '../compile/site.js';
import { ask, intend, machine } from '../apply/machine.js';

const AT = Date.UTC(2026, 10, 22, 12);
const view = { paint: (_: string, text: string) => text, zone: 'UTC' };

function plan(
  packages: readonly Package[],
  system: MemorySystem = machine(),
  permissions = {},
  settings: Partial<Settings> = {},
  root = '',
): Plan {
  const intent = intend(packages, settings, root);
  return assemble(intent, observe(intent, system), ask(permissions).permissions, AT);
}

const codes = (found: Plan): string[] => found.refusals.map(({ code }) => code);

async function applied(packages: readonly Package[], more: Record<string, Node> = {}): Promise<MemorySystem> {
  const system = machine(more);
  await apply(intend(packages), ask(), system);
  return system;
}

const debian = pkg('debian', { options: { bwlimit: '10m' } });
const directory = (uid = 990): Node => ({ kind: 'directory', mode: 0o755, uid, gid: 991 });
const file: Node = { kind: 'file', content: '', mode: 0o644 };

describe('the words of a plan', () => {
  test('for a changed package give schedule, commands and values, before and after', async () => {
    const system = await applied([debian]);
    const schedule = {
      rule: { kind: 'interval', every: 7200, phase: 600 },
      windows: [{ from: 1200, to: 420 }],
      zone: 'UTC',
    } as const;
    const changed = pkg('debian', { options: { bwlimit: '50m' }, schedule, maxRuntime: 7200 });
    const words = renderPackages(plan([changed], system), view).split('\n');
    expect(words[0]).toBe('~ debian');
    expect(words[1]).toBe('    schedule:');
    expect(words[2]).toMatch(
      /^ {6}- every PT6H, phase PT\S+ UTC; next 2026-11-22 \d\d:\d\d, 2026-11-22 \d\d:\d\d$/,
    );
    expect(words[3]).toBe(
      '      + every PT2H, phase PT10M UTC, within 20:00-07:00 UTC; next 2026-11-22 20:10, 2026-11-22 22:10',
    );
    expect(words[4]).toBe('    exec:');
    expect(words[5]).toMatch(/ {6}- rsync --max-delete=<limit> .* --bwlimit=10m /);
    expect(words[6]).toMatch(/ {6}\+ rsync .* --bwlimit=50m /);
    expect(words.slice(7)).toEqual(['    max_runtime: PT12H → PT2H', '']);
  });

  test('for a new package say what becomes of dst', () => {
    const tree = { '/srv/ftp/CTAN': directory(), '/srv/ftp/CTAN/a': file, '/srv/ftp/CTAN/b/c': file };
    const found = plan([debian, pkg('CTAN')], machine(tree));
    expect(found.packages.map(({ id, kind, notes }) => [id, kind, notes])).toEqual([
      ['CTAN', 'new', ['/srv/ftp/CTAN is adopted, 2 files']],
      ['debian', 'new', ['/srv/ftp/debian is created for mirror']],
    ]);
  });

  test('say nothing of a dst that cannot be made, but why', () => {
    const found = plan([pkg('debian', { dst: '/srv/nowhere/debian' })]);
    expect(found.packages[0]?.notes).toEqual([]);
    expect(found.refusals.map(({ message }) => message)).toEqual([
      'debian: /srv/nowhere/debian cannot be created: /srv/nowhere does not exist',
    ]);
  });

  test('name values of a source by words that the config has, and not what argv says already', async () => {
    const system = await applied([pkg('debian', { sources: [source('rsync://a.example.org/x')] })]);
    const found = plan(
      [pkg('debian', { sources: [source('rsync://b.example.org/y')], options: { bwlimit: '10m' } })],
      system,
    );
    expect(found.packages[0]?.values).toEqual([
      { key: 'src', before: 'rsync://a.example.org/x', after: 'rsync://b.example.org/y' },
    ]);
  });

  test('for a package of which only the password changes say that', async () => {
    const system = await applied([pkg('debian', { password: { literal: 'hunter2' } })]);
    const found = plan([pkg('debian', { password: { literal: 'hunter3' } })], system);
    expect(renderPackages(found, view)).toBe('~ debian\n    its password changes\n');
  });

  test('name a further source and its command', () => {
    const sources = [source('rsync://a.example.org/x'), source('rsync://b.example.org/x')];
    const [change] = plan([pkg('debian', { sources })]).packages;
    expect(change?.argv.map(({ step }) => step)).toEqual(['exec', 'closed', 'source 2: exec']);
  });

  test('for a package of which only unit files change say just that', async () => {
    const system = await applied([debian]);
    const calmer = pkg('debian', {
      options: { bwlimit: '10m' },
      resources: { ...debian.resources, nice: 19 },
    });
    const found = plan([calmer], system);
    expect(renderPackages(found, view)).toBe('~ debian\n    its files change, what it does stays the same\n');
    expect(summary(found)).toBe('Plan: 0 to add, 1 to change, 0 to remove; 1 files to write, 0 to delete.');
  });

  test('name what is switched off', () => {
    const found = plan([pkg('debian', { sandbox: 'off' })]);
    expect(renderWarnings(found, view)).toBe('warning: sandbox is off for debian\n');
  });

  test('never carry a secret, in any form', () => {
    const packages = [pkg('debian', { password: { literal: 'hunter2' } })];
    const found = plan(packages);
    const manifest = nextManifest(EMPTY_MANIFEST, intend(packages).artifacts, found.changes);
    const patches = filePatches(found.changes);
    const all =
      JSON.stringify(planDocument(found, patches)) +
      renderPackages(found, view) +
      markdown(found, patches, 'UTC');
    expect(all).toContain('a secret, not shown');
    expect(all).not.toContain('hunter2');
    // Nor its hash, by which a short password would be found by trying.
    for (const text of ['hunter2', 'hunter2\n']) {
      const hash = createHash('sha256').update(text).digest('hex');
      expect(all + JSON.stringify(manifest)).not.toContain(hash);
    }
  });

  test('cannot drive a terminal, nor bring colours of their own', () => {
    const view = { paint: (_: string, text: string) => `\u001b[1m${text}\u001b[0m`, zone: 'UTC' };
    expect(renderPatches(['+a\u001b]0;title\u0007b\tc\n', '+\u001b[8mhidden\u202e\n'], view)).toBe(
      '\u001b[1m+a\\x1b]0;title\\x07b\tc\u001b[0m\n\u001b[1m+\\x1b[8mhidden\\u202e\u001b[0m\n',
    );
  });
});

describe('schedules in words', () => {
  test('are as short as cron', () => {
    const rule = {
      kind: 'calendar',
      minutes: [15],
      hours: [3, 4, 5],
      days: null,
      zone: 'Asia/Seoul',
    } as const;
    const months = Array.from({ length: 12 }, (_, i) => i + 1);
    const schedule = { rule: { ...rule, months, weekdays: [1, 2, 5] }, windows: [], zone: 'UTC' };
    expect(scheduleText(schedule)).toBe('cron 15 3-5 * * 1,2,5 (Asia/Seoul)');
    expect(scheduleText({ ...schedule, rule: { kind: 'none' } })).toBe('on request only');
    expect(scheduleText({ ...schedule, rule: { kind: 'daily', times: [195, 1200], zone: 'UTC' } })).toBe(
      'daily at 03:15, 20:00 (UTC)',
    );
  });
});

test('a plan warns of a cron whose clock is off the site’s by a part of an hour', () => {
  const zone = (name: string): MemorySystem =>
    machine({
      '/etc/localtime': { kind: 'link', target: `/usr/share/zoneinfo/${name}` },
      [`/usr/share/zoneinfo/${name}`]: file,
    });
  const at = (minutes: number[]): Package['schedule'] => ({
    rule: { kind: 'daily', times: minutes, zone: 'Asia/Seoul' },
    windows: [],
    zone: 'Asia/Seoul',
  });
  const night = {
    ...at([]),
    rule: { kind: 'interval', every: 3600, phase: 600 },
    windows: [{ from: 0, to: 360 }],
  };
  const packages = [
    pkg('daily', { schedule: at([150]) }),
    pkg('both', { schedule: at([150, 180]) }),
    pkg('night', { schedule: night as Package['schedule'] }),
    pkg('hourly', { syncrate: 'PT1H' }),
  ];
  const warnings = (name: string, scheduler: 'crontab' | 'systemd' = 'crontab'): readonly string[] =>
    plan(packages, zone(name), {}, { scheduler }).warnings;
  expect(warnings('Asia/Kolkata')).toEqual([
    'cron goes by this host’s clock (Asia/Kolkata), which is off that of Asia/Seoul by a part of an hour: up to 30 minutes late, and at a window’s end not at all: daily, night (window)'.replaceAll(
      '’',
      "'",
    ),
  ]);
  for (const name of ['Asia/Seoul', 'Europe/Berlin', 'Etc/UTC']) expect(warnings(name), name).toEqual([]);
  expect(warnings('Asia/Kolkata', 'systemd')).toEqual([]);
});

describe('a plan refuses', () => {
  const four = ['a', 'b', 'c', 'd'].map((id) => pkg(id));
  const many = Array.from({ length: 60 }, (_, i) => pkg(`p${String(i)}`));

  test('to remove more than 2 or 5 % of the packages, unless told how many', async () => {
    const system = await applied(many);
    expect(codes(plan(many.slice(3), system))).toEqual([]);
    const found = plan(many.slice(4), system);
    expect(renderRefusals(found.refusals, view)).toBe(
      'error[removals]: 4 of 60 packages would be removed (p0, p1, p2, p3); without being told, apply removes at most 3\n' +
        '  help: --allow-removals 4\n',
    );
    expect(codes(plan(many.slice(4), system, { allowRemovals: 4 }))).toEqual([]);
    expect(codes(plan(many.slice(5), system, { allowRemovals: 4 }))).toEqual(['removals']);
    expect(codes(plan(four.slice(2), await applied(four)))).toEqual([]);
    expect(codes(plan(four.slice(3), await applied(four)))).toEqual(['removals']);
  });

  test('a password file that is not there, before a unit fails for it', () => {
    const file = '/etc/mirror/secrets/upstream';
    const packages = ['debian', 'CTAN'].map((id) => pkg(id, { password: { file } }));
    const system = machine();
    const found = plan(packages, system);
    expect(renderRefusals(found.refusals, view)).toBe(
      `error[no-password-file]: debian, CTAN: no password file ${file}\n` +
        `  help: install -m 600 /dev/null ${file}, and write the password into it\n`,
    );
    system.tree.set(file, { kind: 'file', content: 'hunter2\n', mode: 0o600 });
    expect(codes(plan(packages, system))).toEqual([]);
    // A literal one is written by the apply itself; below --root the file is the live machine's.
    expect(codes(plan([pkg('debian', { password: { literal: 'hunter2' } })], machine()))).toEqual([]);
    const rooted = intend(packages, {}, '/scratch');
    const seen = observe(rooted, machine());
    const there = assemble(rooted, seen, ask().permissions, AT);
    expect([codes(there), there.warnings]).toEqual([[], [`debian, CTAN: no password file ${file}`]]);
  });

  test('a file of the webhook that is not there, before nobody is notified', () => {
    const file = '/etc/mirror/secrets/hook';
    const notify = {
      afterFailures: 3,
      command: null,
      mail: null,
      sendmail: '/usr/sbin/sendmail',
      webhook: { file },
      sandbox: 'strict' as const,
    };
    const system = machine();
    const found = plan([pkg('debian')], system, {}, { notify });
    expect(renderRefusals(found.refusals, view)).toBe(
      `error[no-webhook-file]: nobody would be notified: no webhook file ${file}\n` +
        `  help: install -m 600 /dev/null ${file}, and write the URL into it\n`,
    );
    system.tree.set(file, { kind: 'file', content: 'https://chat.example.org/x\n', mode: 0o644 });
    const open = plan([pkg('debian')], system, {}, { notify });
    expect(codes(open)).toEqual([]);
    expect(open.warnings).toContain(`everybody on this machine may read ${file}: chmod o= -- ${file}`);
  });

  test('a dst that moves to an empty place once there is something to lose', async () => {
    const system = await applied([debian]);
    const moved = [pkg('debian', { options: debian.options, dst: '/srv/ftp/new' })];
    expect(codes(plan(moved, system))).toEqual([]);
    system.tree.set('/srv/ftp/debian/README', file);
    expect(codes(plan(moved, system))).toEqual(['refetch']);
    expect(codes(plan(moved, system, { refetch: true }))).toEqual([]);
    system.tree.set('/srv/ftp/new', directory());
    system.tree.set('/srv/ftp/new/README', file);
    const found = plan(moved, system);
    expect([codes(found), found.packages[0]?.notes]).toEqual([
      [],
      ['dst moves from /srv/ftp/debian to /srv/ftp/new', '/srv/ftp/new is adopted, 1 file'],
    ]);
  });

  const cases: [string, Record<string, Node>, Partial<Package>, string, string][] = [
    [
      'a dst of another user',
      { '/srv/ftp/debian': directory(0) },
      {},
      'dst-owner',
      'chown -hR --from=0 mirror:mirror -- /srv/ftp/debian',
    ],
    ['a dst that is a file', { '/srv/ftp/debian': file }, {}, 'dst', 'move it away or change `dst`'],
    ['a dst without a parent', {}, { dst: '/mnt/a/debian' }, 'dst', 'mkdir -p /mnt/a'],
    [
      'a dst whose disk is not mounted',
      {
        '/proc/self/mountinfo': { kind: 'file', content: '22 1 0:1 / / rw - ext4 /dev/a rw\n', mode: 0o444 },
      },
      { guard: { ...debian.guard, mount: '/srv/ftp' } },
      'dst',
      'mount /srv/ftp',
    ],
    ['a user that nobody knows', {}, { user: 'archie' }, 'no-user', 'mirror setup'],
    ['a group that nobody knows', {}, { group: 'staff' }, 'no-group', 'mirror setup'],
  ];
  test.each(cases)('%s', (_, tree, change, code, help) => {
    const found = plan([pkg('debian', change)], machine(tree));
    expect(found.refusals.map((refusal) => [refusal.code, refusal.help])).toEqual([[code, help]]);
  });

  test('but not a mounted disk, a dst of its own user, or one that a package only points at', () => {
    const mountinfo = '22 1 0:1 / / rw - ext4 /dev/a rw\n23 22 0:2 / /srv/ftp rw - ext4 /dev/b rw\n';
    const tree = { '/proc/self/mountinfo': { kind: 'file', content: mountinfo, mode: 0o444 } as const };
    expect(
      codes(plan([pkg('debian', { guard: { ...debian.guard, mount: '/srv/ftp' } })], machine(tree))),
    ).toEqual([]);
    expect(codes(plan([debian], machine({ '/srv/ftp/debian': directory() })))).toEqual([]);
    const local = pkg('own', { synctype: 'local', sources: [] });
    expect(codes(plan([local], machine({ '/srv/ftp/own': directory(0) })))).toEqual([]);
  });

  test('a machine on which setup never ran, with the command', () => {
    const bare = memorySystem(new Map([['/usr/bin/mirror', { kind: 'file', content: '', mode: 0o755 }]]), {
      uid: 1000,
    });
    const found = plan([debian], bare);
    expect(codes(found)).toEqual(['not-root', 'no-user', 'no-group', 'no-directory', 'no-tool', 'dst']);
    expect(found.refusals.map(({ help }) => help)).toContain('apt-get install util-linux rsync');
  });

  test('a state directory that is a link: its owner could lead root anywhere', () => {
    const system = machine({
      '/var/lib/mirror/baseline': { kind: 'link', target: '/etc' },
      '/etc/passwd': file,
    });
    expect(codes(plan([debian], system))).toEqual(['no-directory']);
  });

  test.each(['/home/alice/mirror', '/root/mirror', '/tmp/mirror', '/var/tmp/mirror'])(
    'a program at %s, which the sandbox hides; below --root it only warns',
    (executable) => {
      const system = machine({ [executable]: { kind: 'file', content: '', mode: 0o755 } });
      const judge = (root: string, sandbox: Package['sandbox'] = 'strict'): Plan => {
        const intent = { ...intend([pkg('debian', { sandbox })], {}, root), executable };
        return assemble(intent, observe(intent, system), ask().permissions, AT);
      };
      expect(codes(judge(''))).toEqual(['hidden-executable']);
      expect(codes(judge('', 'off'))).toEqual([]);
      const below = judge('/srv/try');
      expect([codes(below), below.warnings.length]).toEqual([[], 1]);
    },
  );
});
