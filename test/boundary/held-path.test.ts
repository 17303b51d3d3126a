import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { changeInode, makeHeldDirectory, openForeignLock } from '../../src/boundary/held-inode.js';
import { findRealPath, forgetSteadiness, RefusedLink, walkToName } from '../../src/boundary/held-path.js';

const NOBODY = 65_534;
let directory: string;
const at = (name: string): string => join(directory, name);
const real = (path: string): string => findRealPath(path);
const isSteady = (path: string): boolean => walkToName(path, (reached) => reached.isSteady);
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'mirror-held-')));
  mkdirSync(at('root/data/deep'), { recursive: true });
  mkdirSync(at('other'));
  writeFileSync(at('root/data/file'), 'x');
  chownSync(at('other'), NOBODY, NOBODY);
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  forgetSteadiness();
});

/** A link of the other user's in its own directory. */
function plant(name: string, target: string): void {
  symlinkSync(target, at(`other/${name}`));
  lchownSync(at(`other/${name}`), NOBODY, NOBODY);
}

describe.runIf(process.getuid?.() === 0)('a walk of root’s', () => {
  test('follows links where only root can change them: relative, absolute, in the middle and chained', () => {
    symlinkSync('data', at('root/relative'));
    symlinkSync(at('root/relative'), at('root/absolute'));
    symlinkSync('../root/absolute/deep/..', at('root/chain'));
    for (const name of ['relative', 'absolute', 'chain']) {
      expect(real(at(`root/${name}/file`)), name).toBe(at('root/data/file'));
      expect(isSteady(at(`root/${name}/file`)), name).toBe(true);
    }
    expect(real('/')).toBe('/');
    expect(real('/proc/self/../version')).toBe('/proc/version');
  });

  test('ends a chain without an end', () => {
    symlinkSync('b', at('root/a'));
    symlinkSync('a', at('root/b'));
    expect(() => real(at('root/a'))).toThrow('leads through too many links');
  });

  test('refuses links from the first directory on that another user can write', () => {
    plant('link', at('root/data'));
    expect(() => real(at('other/link/file'))).toThrow(RefusedLink);
    expect(() => real(at('other/link'))).toThrow(`${at('other/link')} is a link of uid ${String(NOBODY)}`);
    mkdirSync(at('other/inner'));
    symlinkSync(at('root/data'), at('other/inner/roots'));
    // What root made there could have been moved there.
    expect(() => real(at('other/inner/roots/file'))).toThrow(RefusedLink);
    symlinkSync(at('other'), at('root/to-other'));
    expect(() => real(at('root/to-other/link/file'))).toThrow(RefusedLink);
    expect(isSteady(at('root/to-other/link'))).toBe(false);
  });

  test('to look only, follows a link of root’s there, and no other', () => {
    symlinkSync(at('root/data'), at('other/roots'));
    plant('theirs', at('root/data'));
    const look = (name: string): string => findRealPath(at(`other/${name}/file`), "root's");
    expect(look('roots')).toBe(at('root/data/file'));
    expect(() => look('theirs')).toThrow(RefusedLink);
    expect(walkToName(at('other/roots/file'), (reached) => reached.isSteady, "root's")).toBe(false);
  });

  test.each([
    ['another user’s', 0o755, NOBODY, 0, false],
    ['everyone’s to write', 0o777, 0, 0, false],
    ['a group’s to write', 0o775, 0, NOBODY, false],
    ['root’s group’s to write', 0o775, 0, 0, true],
    ['root’s', 0o755, 0, 0, true],
  ])('knows who can change a directory that is %s', (_, mode, uid, gid, steady) => {
    mkdirSync(at('root/it'));
    chownSync(at('root/it'), uid, gid);
    chmodSync(at('root/it'), mode);
    expect(isSteady(at('root/it/name'))).toBe(steady);
    // Nor can root alone change what lies below.
    mkdirSync(at('root/it/below'));
    expect(isSteady(at('root/it/below/name'))).toBe(steady);
  });

  test('takes a directory of root’s in one like /tmp for root’s', () => {
    mkdirSync(at('sticky/mine'), { recursive: true });
    chmodSync(at('sticky'), 0o1777);
    expect(isSteady(at('sticky/mine/name'))).toBe(true);
    expect(isSteady(at('sticky/name'))).toBe(false);
  });

  test('keeps to the directory that it opened, whatever takes its place', () => {
    mkdirSync(at('other/sub'));
    walkToName(at('other/sub/new'), ({ held }) => {
      renameSync(at('other/sub'), at('other/gone'));
      plant('sub', at('root/data'));
      writeFileSync(held, 'x');
    });
    expect(readdirSync(at('other/gone'))).toEqual(['new']);
    expect(readdirSync(at('root/data')).sort()).toEqual(['deep', 'file']);
  });

  test('names the path in errors, not the handle', () => {
    mkdirSync(at('other/sub'));
    expect(() => walkToName(at('other/sub/no/name'), () => 0)).toThrow(`open '${at('other/sub/no')}'`);
    expect(() => walkToName(at('other/sub/no'), ({ held }) => readFileSync(held))).toThrow(
      `open '${at('other/sub/no')}'`,
    );
  });
});

describe.runIf(process.getuid?.() === 0)('in a directory of another user', () => {
  const changed =
    (path: string): (() => void) =>
    () =>
      changeInode(path, { owner: { uid: NOBODY, gid: NOBODY }, mode: 0o777 });

  test('only what this process made is given away', () => {
    makeHeldDirectory(at('other/new'), 0o755);
    changed(at('other/new'))();
    expect(lstatSync(at('other/new')).uid).toBe(NOBODY);
    // Directories of root's that were moved or were there, and a second name of a file of root's.
    mkdirSync(at('other/roots'));
    writeFileSync(at('root/secret'), 'x', { mode: 0o600 });
    linkSync(at('root/secret'), at('other/second'));
    makeHeldDirectory(at('other/roots'), 0o755);
    makeHeldDirectory(at('other/replaced'), 0o755);
    renameSync(at('other/replaced'), at('other/away'));
    renameSync(at('other/roots'), at('other/replaced'));
    for (const name of ['replaced', 'second']) expect(changed(at(`other/${name}`))).toThrow('owner and mode');
    expect([lstatSync(at('other/replaced')).uid, lstatSync(at('root/secret')).mode & 0o777]).toEqual([
      0, 0o600,
    ]);
  });

  test('a lock is a file with one name, made for that user', () => {
    openForeignLock(at('other/lock'));
    expect(lstatSync(at('other/lock'))).toMatchObject({ uid: NOBODY, gid: NOBODY });
    writeFileSync(at('root/secret'), 'x', { mode: 0o600 });
    linkSync(at('root/secret'), at('other/second'));
    plant('link', at('root/secret'));
    mkdirSync(at('other/directory'));
    expect(() => openForeignLock(at('other/second'))).toThrow('is not a lock file');
    for (const name of ['link', 'directory']) expect(() => openForeignLock(at(`other/${name}`))).toThrow();
    expect(lstatSync(at('root/secret')).mode & 0o777).toBe(0o600);
  });
});
