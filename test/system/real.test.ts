import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { intercept } from '../../src/system/intercept.js';
import { memorySystem } from '../../src/system/memory.js';
import { readOnly } from '../../src/system/readonly.js';
import { realSystem } from '../../src/system/real.js';
import { startUnits, stopUnits } from '../../src/system/systemctl.js';
import type { System } from '../../src/system/system.js';

let directory: string;
const at = (name: string): string => join(directory, name);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-system-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What every system must do alike, so that tests with the memory one mean something. */
const systems: [string, () => { system: System; base: string }][] = [
  ['the real system', () => ({ system: realSystem(), base: directory })],
  [
    'the memory system',
    () => ({ system: memorySystem(new Map([['/b', { kind: 'directory', mode: 0o755 }]])), base: '/b' }),
  ],
];

describe.each(systems)('%s', (_, make) => {
  test('reads back what it wrote, with its mode', () => {
    const { system, base } = make();
    const path = `${base}/a.json`;
    expect(system.actual(path)).toEqual({ kind: 'absent' });
    system.writeFile(path, 'one\n', 0o600);
    system.writeFile(path, 'two ü\n', 0o640);
    for (const guess of ['file', 'link', undefined] as const)
      expect(system.actual(path, guess)).toEqual({ kind: 'file', mode: 0o640, content: 'two ü\n' });
    expect([system.read(path), system.facts(path)?.kind]).toEqual(['two ü\n', 'file']);
    system.unlink(path);
    system.unlink(path);
    system.unlink(`${base}/no/such`);
    expect(system.list(base, 10)).toEqual([]);
  });

  test('does things together: each at once, and what was done stays done when a later one fails', () => {
    const { system, base } = make();
    const together = (): void =>
      system.together(() => {
        system.makeDirectory(`${base}/gone`, 0o755);
        system.writeFile(`${base}/gone/a`, 'a', 0o644);
        system.unlink(`${base}/gone/a`);
        system.removeDirectory(`${base}/gone`);
        system.writeFile(`${base}/b`, 'b', 0o644);
        system.symlink(`${base}/c`, 'b');
        expect(system.read(`${base}/c`)).toBe('b');
        throw new Error('a full disk');
      });
    expect(together).toThrow('a full disk');
    expect(
      system
        .list(base, 10)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['b', 'c']);
  });

  test('replaces files by links and links by files', () => {
    const { system, base } = make();
    const path = `${base}/a.timer`;
    system.writeFile(path, 'x', 0o644);
    system.symlink(path, '../a.timer');
    for (const guess of ['file', 'link', undefined] as const)
      expect(system.actual(path, guess)).toEqual({ kind: 'link', target: '../a.timer' });
    expect([system.read(path), system.facts(path)]).toEqual([null, null]);
    system.symlink(path, 'b.timer');
    system.writeFile(`${base}/b.timer`, 'y', 0o600);
    expect([system.read(path), system.facts(path)]).toMatchObject(['y', { kind: 'file', mode: 0o600 }]);
    system.writeFile(path, 'x', 0o644);
    expect(system.actual(path)).toMatchObject({ kind: 'file' });
  });

  test('makes and removes directories, and leaves one in use', () => {
    const { system, base } = make();
    system.makeDirectory(`${base}/d`, 0o2775);
    system.makeDirectory(`${base}/d`, 0o700);
    expect(system.facts(`${base}/d`)).toMatchObject({ kind: 'directory', mode: 0o2775 });
    expect(system.actual(`${base}/d`, 'file')).toEqual({ kind: 'other', what: 'directory' });
    system.writeFile(`${base}/d/f`, '', 0o644);
    system.removeDirectory(`${base}/d`);
    expect(system.list(base, 10)).toEqual([{ name: 'd', kind: 'directory' }]);
    system.unlink(`${base}/d/f`);
    system.removeDirectory(`${base}/d`);
    expect(system.actual(`${base}/d`)).toEqual({ kind: 'absent' });
  });

  test('needs a directory to write into', () => {
    const { system, base } = make();
    expect(() => system.writeFile(`${base}/no/such`, '', 0o644)).toThrow(/ENOENT/);
  });
});

describe('the real system', () => {
  test('takes what is no text for something in the way', () => {
    writeFileSync(at('binary'), Buffer.from([0xff, 0xfe, 0]));
    expect(realSystem().actual(at('binary'), 'file')).toEqual({
      kind: 'other',
      what: 'file that is no text',
    });
  });

  test('finds nothing below a file, and something that it cannot read where it may not look', () => {
    writeFileSync(at('file'), '');
    expect(realSystem().actual(at('file/name'), 'link')).toEqual({ kind: 'absent' });
    mkdirSync(at('secrets'), { mode: 0o700 });
    chmodSync(directory, 0o755);
    // The rest takes another user's eyes.
    if (process.geteuid?.() !== 0) return;
    process.seteuid?.(65534);
    try {
      expect(realSystem().actual(at('secrets/debian.password'), 'file')).toEqual({
        kind: 'other',
        what: 'unreadable',
      });
    } finally {
      process.seteuid?.(0);
    }
  });

  test('leaves no temporary file behind', () => {
    const system = realSystem();
    system.writeFile(at('a'), 'x', 0o644);
    system.symlink(at('b'), 'a');
    mkdirSync(at('c'));
    expect(() => system.symlink(at('c'), 'a')).toThrow();
    expect(() => system.writeFile(at('c'), 'x', 0o644)).toThrow();
    expect(readdirSync(directory).sort()).toEqual(['a', 'b', 'c']);
  });

  test('tells the truth about programs: exit code, both outputs, and one that is not there', async () => {
    const system = realSystem();
    expect(await system.query(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      stdout: 'out',
      stderr: 'err',
    });
    const missing = await system.run([at('no-such-program')]);
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain('ENOENT');
  });

  test('knows users by name and number, and takes a number that nobody has', () => {
    const system = realSystem();
    expect(system.user('root')).toEqual({ uid: 0, gid: 0 });
    expect(system.user(0)).toEqual({ uid: 0, gid: 0 });
    expect(system.user(54_321)).toEqual({ uid: 54_321, gid: 54_321 });
    expect(system.user('no-such-user-here')).toBeNull();
    expect([system.group('root'), system.group('no-such-group-here')]).toEqual([0, null]);
  });

  test.runIf(process.getuid?.() === 0)('never writes through a link of somebody else', () => {
    const system = realSystem();
    mkdirSync(at('state'));
    mkdirSync(at('etc'));
    writeFileSync(at('etc/victim'), 'safe');
    chownSync(at('state'), 65_534, 65_534);
    for (const [name, target] of [
      ['baseline', at('etc')],
      ['file', at('etc/victim')],
    ] as const) {
      symlinkSync(target, at(`state/${name}`));
      lchownSync(at(`state/${name}`), 65_534, 65_534);
    }
    expect(() => system.writeFile(at('state/baseline/x.json'), 'x', 0o644)).toThrow(/is a link of uid 65534/);
    expect(() => system.chown(at('state/baseline'), { uid: 65_534, gid: 65_534 })).toThrow(/ELOOP/);
    expect(() => system.chmod(at('state/file'), 0o777)).toThrow(/ELOOP/);
    // A file takes the link's place; what it led to stays.
    system.writeFile(at('state/file'), 'new', 0o644);
    expect(readFileSync(at('etc/victim'), 'utf8')).toBe('safe');
    expect(readdirSync(at('etc'))).toEqual(['victim']);
    expect(lstatSync(at('etc')).uid).toBe(0);
  });

  test('follows a directory that root linked elsewhere', () => {
    mkdirSync(at('data'));
    symlinkSync(at('data'), at('state'));
    realSystem().writeFile(at('state/a'), 'x', 0o644);
    expect(readFileSync(at('data/a'), 'utf8')).toBe('x');
    expect(readlinkSync(at('state'))).toBe(at('data'));
  });
});

describe('wrappers', () => {
  test('a read-only system refuses every change and answers every question', async () => {
    const system = readOnly(memorySystem(new Map([['/a', { kind: 'file', content: 'x', mode: 0o644 }]])));
    expect(system.read('/a')).toBe('x');
    const changes: (() => unknown)[] = [
      () => system.writeFile('/a', '', 0o644),
      () => system.symlink('/a', 'b'),
      () => system.unlink('/a'),
      () => system.makeDirectory('/d', 0o755),
      () => system.removeDirectory('/d'),
      () => system.chown('/a', { uid: 1, gid: 1 }),
      () => system.chmod('/a', 0o600),
      () => system.lock('/a'),
    ];
    for (const change of changes) expect(change).toThrow('a read-only command tried to');
    await expect(system.run(['true'])).rejects.toThrow('a read-only command tried to run true');
    expect((await system.query(['true'])).code).toBe(0);
  });

  test('an interceptor sees changes before they happen, in order', () => {
    const seen: string[] = [];
    const system = intercept(memorySystem(), (mutation, what) => seen.push(`${mutation} ${what}`));
    system.makeDirectory('/d', 0o755);
    system.writeFile('/d/f', '', 0o644);
    system.read('/d/f');
    expect(seen).toEqual(['makeDirectory /d', 'writeFile /d/f']);
  });
});

describe('systemctl', () => {
  test('is called in batches, and not at all for no unit', async () => {
    const system = memorySystem();
    const units = Array.from({ length: 1001 }, (_, i) => `mirror-sync-p${String(i)}.timer`);
    await startUnits(system, units);
    await startUnits(system, []);
    expect(system.ran.map((line) => line.split(' ').length - 3)).toEqual([500, 500, 1]);
  });

  test('fails with its own words, but not for stopping what is not loaded', async () => {
    const answering = (code: number): System =>
      memorySystem(new Map(), { program: () => ({ code, stderr: 'Access denied\n' }) });
    await expect(startUnits(answering(1), ['a.timer'])).rejects.toThrow(
      'systemctl start failed: Access denied',
    );
    await expect(stopUnits(answering(1), ['a.timer'])).rejects.toThrow(
      'systemctl stop failed: Access denied',
    );
    await expect(stopUnits(answering(5), ['a.timer'])).resolves.toBeUndefined();
  });
});
