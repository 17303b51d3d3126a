import { existsSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, describe, test } from 'vitest';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { matching } from '../support/matching.js';
import { freePort } from '../support/rsyncd.js';
import {
  MISSING,
  scratch,
  archive,
  upstream,
  site,
  http,
  put,
  sha256,
  at,
  fails,
  IMAGE,
  digest,
} from './jigdo-upstream.js';

describe.skipIf(MISSING.length > 0)('a failure of jigdo (needs the package jigdo-file)', () => {
  test('is no success when an image cannot be made, whatever jigdo-mirror says', async () => {
    unlinkSync(join(archive, 'pool/bash.deb'));
    expect(await fails()).toEqual([
      69,
      expect.stringMatching(/^transfer: 1 of 1 images were not made, first 13\.1\.0/),
    ]);
    expect(existsSync(at(IMAGE))).toBe(false);
    expect(existsSync(at('project/trace/mirror.test'))).toBe(false);
    expect(site.log('images')).toContain('Image creation failed');
    expect(site.log('images')).toMatch(/Exit 0$/m);
  });

  test('says why: a file that the archive lacks, an archive that is gone', async () => {
    http.missing = /bash/;
    expect(await fails({ debian_mirror: http.url('') })).toEqual([
      69,
      expect.stringMatching(/^transfer: 1 of 1 images were not made.*ERROR 404/),
    ]);
    const dead = `http://127.0.0.1:${String(await freePort())}/`;
    expect(await fails({ debian_mirror: dead })).toEqual([
      69,
      expect.stringMatching(/^transfer: .*Connection refused/),
    ]);
  });

  test('says that upstream lacks the template of an image', async () => {
    const name = readdirSync(join(upstream, '13.1.0/amd64/jigdo-dvd')).find((each) =>
      each.endsWith('.template'),
    );
    rmSync(join(upstream, '13.1.0/amd64/jigdo-dvd', String(name)));
    expect(await fails()).toEqual([69, expect.stringContaining(`: upstream lacks ${String(name)}`)]);
  });

  test('goes on with the other sets when one fails', async () => {
    put(
      join(upstream, '13.1.0/amd64/jigdo-cd/broken.jigdo'),
      '[Image]\nFilename=a.iso\nTemplate=a.template\n',
    );
    put(join(upstream, 'project/build/13.1.0/amd64'), 'cd dvd\n');
    expect(await fails()).toEqual([69, expect.stringMatching(/^transfer: 1 of 2 images .*iso-cd\/a\.iso/)]);
    expect(sha256(at(IMAGE))).toBe(digest);
  });

  test('a name of any length leaves the state readable, and its characters reach no terminal', async () => {
    expect(await fails()).toEqual([0, 'synced: ']);
    put(join(upstream, 'project/build/13.1.0/amd64'), `dvd \u202e\x1b]0;x\x07${'x'.repeat(2 << 20)}\n`);
    const run = await site.run('images', '--json');
    expect(run).toMatchObject({ code: 69, stdout: matching(/names `\?\?\]0;x\?x{900}/) });
    expect(run.stdout.length).toBeLessThan(5000);
    expect(site.state('images')).toMatchObject({
      last: { failure: 'transfer' },
      last_success: expect.any(Number) as number,
    });
  });

  test('upstream is gone', async () => {
    const src = `rsync://127.0.0.1:${String(await freePort())}/debian-cd`;
    const settings = { src, options: { debian_mirror: `file:${archive}` } };
    await site.apply({ images: { synctype: 'jigdo', settings } });
    expect(await site.run('images')).toMatchObject({ code: 69 });
    expect(site.state('images').last).toMatchObject({ failure: 'unavailable' });
  });

  test('more would be deleted than the guard allows: blocked, and no image is lost', async () => {
    expect(await fails()).toEqual([0, 'synced: ']);
    renameSync(join(upstream, 'project'), join(scratch, 'gone'));
    renameSync(join(upstream, '13.1.0'), join(scratch, 'gone too'));
    expect((await site.run('images')).code).toBe(77);
    expect(site.state('images').last).toMatchObject({ outcome: 'blocked' });
    expect(sha256(at(IMAGE))).toBe(digest);
    for (const name of ['gone', 'gone too']) rmSync(join(scratch, name), { recursive: true });
  });

  test.skipIf(!MAY_MOUNT)('the disk is full (needs root: mounts)', async () => {
    await onDisk(site.dst('images'), 'size=160k', async () => {
      expect(await fails({}, { guard: { min_free: '0' } })).toEqual([
        73,
        expect.stringMatching(/^space: no space left .*No space left on device/),
      ]);
    });
  });

  describe('an upstream that points elsewhere', () => {
    test.each([
      [
        '`current` leads out of the tree',
        () => {
          rmSync(join(upstream, 'current'));
          symlinkSync('project/build', join(upstream, 'current'));
        },
        /current.*not to a directory beside it/,
      ],
      ['there is no `current`', () => rmSync(join(upstream, 'current')), /current.*missing or no link/],
      [
        'an architecture is a link',
        () => symlinkSync('amd64', join(upstream, '13.1.0/i386')),
        /i386 is a symbolic link/,
      ],
      [
        'the directory of images is a link',
        () => {
          rmSync(join(upstream, '13.1.0/amd64/iso-dvd'), { recursive: true });
          symlinkSync('../../project', join(upstream, '13.1.0/amd64/iso-dvd'));
        },
        /iso-dvd is missing, or no directory/,
      ],
      [
        'a set is named with a path',
        () => put(join(upstream, 'project/build/13.1.0/amd64'), 'dvd/../x\n'),
        /no plain file name/,
      ],
      [
        'a listed set is not there',
        () => put(join(upstream, 'project/build/13.1.0/amd64'), 'bd\n'),
        /jigdo-bd is missing/,
      ],
      [
        'no set is listed',
        () => rmSync(join(upstream, 'project'), { recursive: true }),
        /no set of images is listed/,
      ],
      [
        'a jigdo file names a path',
        () => jigdo('[Image]\nFilename=../../../../x.iso\nTemplate=a\n'),
        /no plain file name/,
      ],
      [
        'a jigdo file hides a path in quotes',
        () => jigdo('[Image]\n"File"name ../x.iso\nTemplate=a\n'),
        /no plain file name/,
      ],
      [
        'a jigdo file hides a path behind backslashes',
        () => jigdo('[Image]\nx\\\\nFilename ../x\nTemplate=a\n'),
        /odd characters/,
      ],
      [
        'a jigdo file is a link',
        () =>
          symlinkSync(
            '../../../project/build/13.1.0/amd64',
            join(upstream, '13.1.0/amd64/jigdo-dvd/x.jigdo'),
          ),
        /x\.jigdo is no plain file/,
      ],
      [
        'jigdo files are nested',
        () => put(join(upstream, '13.1.0/amd64/jigdo-dvd/sub/x.jigdo'), ''),
        /sub is no plain file/,
      ],
    ])('%s', async (_, change, reason) => {
      change();
      expect(await fails()).toEqual([69, expect.stringMatching(reason)]);
      expect(site.state('images').last?.failure).toBe('transfer');
      expect(existsSync(at(IMAGE))).toBe(false);
    });

    function jigdo(text: string): void {
      put(join(upstream, '13.1.0/amd64/jigdo-dvd/odd.jigdo'), text);
    }
  });
});
