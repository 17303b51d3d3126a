import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeTree } from '../../src/commands/compile-tree.js';
import { compile } from '../../src/compile/index.js';
import { layout } from '../../src/job/layout.js';
import { HERE, pkg, site } from './site.js';

let out = '';
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'mirror-tree-'));
});
afterEach(() => rmSync(out, { recursive: true }));

const tree = (...packages: Parameters<typeof site>[0]): ReturnType<typeof compile>['artifacts'] =>
  compile(site(packages), HERE).artifacts;

describe('compile --out', () => {
  it('writes the tree as it would lie below /, without secrets', () => {
    writeTree(out, tree(pkg('debian', { password: { literal: 'hunter2' } })), '');
    expect(readFileSync(join(out, 'etc/mirror/compiled/jobs/debian.json'), 'utf8')).toContain(
      '"id": "debian"',
    );
    expect(readlinkSync(join(out, 'etc/systemd/system/timers.target.wants/mirror-sync-debian.timer'))).toBe(
      '../mirror-sync-debian.timer',
    );
    expect(existsSync(join(out, 'etc/mirror/secrets'))).toBe(false);
    const rooted = compile(site([pkg('debian')]), { ...HERE, layout: layout('/scratch/x') }).artifacts;
    expect(writeTree(out, rooted, '/scratch/x').removed).toEqual([]);
  });

  it.each(['/proc/mirror', '/dev/null/tree', '/dev/null'])('says that it cannot write to %s', (path) => {
    expect(() => writeTree(path, tree(pkg('debian')), '')).toThrow(path.replace(/\/tree$/, ''));
  });

  it('writes nothing the second time, and removes what is gone with its empty directories', () => {
    writeTree(out, tree(pkg('debian'), pkg('CTAN')), '');
    const job = join(out, 'etc/mirror/compiled/jobs/debian.json');
    const before = statSync(job).mtimeMs;
    expect(writeTree(out, tree(pkg('debian'), pkg('CTAN')), '')).toMatchObject({ written: [], removed: [] });
    expect(statSync(job).mtimeMs).toBe(before);
    const result = writeTree(out, tree(pkg('debian')), '');
    expect(result.removed).toContain('etc/mirror/compiled/jobs/CTAN.json');
    expect(existsSync(join(out, 'etc/mirror/compiled/jobs/CTAN.json'))).toBe(false);
    writeTree(out, [], '');
    expect(existsSync(join(out, 'etc'))).toBe(false);
  });

  it.each(['etc', 'etc/systemd', 'etc/mirror/compiled/jobs'])(
    'writes and removes nothing through a link: %s',
    (path) => {
      const elsewhere = mkdtempSync(join(tmpdir(), 'mirror-elsewhere-'));
      try {
        const inner = join(out, path);
        mkdirSync(dirname(inner), { recursive: true });
        symlinkSync(elsewhere, inner);
        const precious = 'systemd/system/precious';
        mkdirSync(join(elsewhere, dirname(precious)), { recursive: true });
        writeFileSync(join(elsewhere, precious), '');
        expect(() => writeTree(out, tree(pkg('debian')), '')).toThrow(`${inner} is a link`);
        writeFileSync(join(out, '.mirror-compile'), `${path}/${precious}\n`);
        expect(() => writeTree(out, [], '')).toThrow(`${inner} is a link`);
        expect(readdirSync(elsewhere, { recursive: true }).sort()).toEqual([
          'systemd',
          'systemd/system',
          'systemd/system/precious',
        ]);
        const linked = join(elsewhere, 'out');
        symlinkSync(elsewhere, linked);
        expect(() => writeTree(linked, tree(pkg('debian')), '')).toThrow(`${linked} is a link`);
      } finally {
        rmSync(elsewhere, { recursive: true });
      }
    },
  );

  it('reads no record through a link, nor one that is no file', () => {
    symlinkSync('/etc/passwd', join(out, '.mirror-compile'));
    expect(() => writeTree(out, tree(pkg('debian')), '')).toThrow(
      /is a link, which is not followed: remove it$/,
    );
    rmSync(join(out, '.mirror-compile'));
    mkdirSync(join(out, '.mirror-compile'));
    expect(() => writeTree(out, tree(pkg('debian')), '')).toThrow(/is a directory: remove it$/);
  });

  it('stops before any write when something that it did not write is in the way', () => {
    writeTree(out, tree(pkg('debian')), '');
    const mine = join(out, 'etc/mirror/compiled/jobs/CTAN.json');
    writeFileSync(mine, 'mine');
    expect(() => writeTree(out, tree(pkg('CTAN')), '')).toThrow('in the way');
    expect(readFileSync(mine, 'utf8')).toBe('mine');
    expect(existsSync(join(out, 'etc/mirror/compiled/jobs/debian.json'))).toBe(true);
  });

  it('does not follow a record that leads outside the directory', () => {
    writeFileSync(join(out, '.mirror-compile'), '../../etc/passwd\n');
    expect(() => writeTree(out, tree(pkg('debian')), '')).toThrow('outside');
  });
});
