import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, describe, test } from 'vitest';
import { startHttpServer } from '../support/http-server.js';
import type { HttpServer } from '../support/http-server.js';
import { onPath } from '../support/tools.js';
import { freePort, startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

const ROOT = process.getuid?.() === 0;
const MISSING = ['jigdo-mirror', 'jigdo-file', 'wget'].filter((name) => !onPath(name));
const scratch = mkdtempSync(join(tmpdir(), 'mirror-jigdo-'));
const archive = join(scratch, 'debian');
const upstream = join(scratch, 'debian-cd');
let site: MethodSite;
let rsyncd: Rsyncd;
let http: HttpServer;

function put(path: string, text: string | Buffer): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** An image with the files of the archive in it, published as jigdo file and template; returns its checksum. */
function publishImage(arch: string, set: string, version = '13.1.0', packed = true): string {
  const name = `debian-${version}-${arch}-${set.toUpperCase()}-1`;
  const files = readdirSync(join(archive, 'pool')).map((file) => readFileSync(join(archive, 'pool', file)));
  const image = put(join(scratch, 'image.iso'), Buffer.concat([Buffer.from(`${arch} ${set}`), ...files]));
  const directory = join(upstream, version, arch, `jigdo-${set}`);
  mkdirSync(directory, { recursive: true });
  const jigdo = join(directory, `${name}.jigdo`);
  const made = [
    'make-template',
    `--image=${image}`,
    `--jigdo=${jigdo}`,
    `--template=${directory}/${name}.template`,
  ];
  const label = [`--label=Debian=${archive}`, '--uri=Debian=http://127.0.0.1:1/', `${archive}//`];
  execFileSync('jigdo-file', [...made, ...label, '--report=quiet', '--force'], { stdio: 'ignore' });
  const text = readFileSync(jigdo, 'utf8').replace(/^Filename=.*$/m, `Filename=${name}.iso`);
  writeFileSync(jigdo, packed ? gzipSync(text.replace(/^Template=.*$/m, `Template=${name}.template`)) : text);
  put(
    join(upstream, 'project/build', version, arch),
    `${readdirSync(join(upstream, version, arch))
      .filter((file) => file.startsWith('jigdo-'))
      .map((file) => file.slice('jigdo-'.length))
      .join(' ')}\n`,
  );
  put(join(upstream, version, arch, `iso-${set}/debian-${version}-${arch}-netinst.iso`), `netinst ${arch}`);
  return sha256(image);
}

function isCurrent(version: string): void {
  rmSync(join(upstream, 'current'), { force: true });
  symlinkSync(version, join(upstream, 'current'));
}

function images(options: object = {}, changes: object = {}): Record<string, object> {
  const src = rsyncd.url('debian-cd');
  const debian_mirror = `file:${archive}`;
  return {
    images: { synctype: 'jigdo', ...changes, settings: { src, options: { debian_mirror, ...options } } },
  };
}

function at(path: string): string {
  return join(site.dst('images'), path);
}

async function fails(options: object = {}, changes: object = {}): Promise<readonly [number | null, string]> {
  await site.apply(images(options, changes));
  const { code } = await site.run('images');
  const { last } = site.state('images');
  return [code, `${String(last?.failure ?? last?.outcome)}: ${last?.reason ?? ''}`];
}

const IMAGE = '13.1.0/amd64/iso-dvd/debian-13.1.0-amd64-DVD-1.iso';
let digest: string;

beforeAll(async () => {
  mkdirSync(upstream);
  mkdirSync(archive);
  rsyncd = await startRsyncd({ 'debian-cd': { path: upstream } });
  http = await startHttpServer(archive);
});

beforeEach(() => {
  if (MISSING.length > 0) return undefined;
  site = methodSite();
  for (const path of [archive, upstream]) {
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
  }
  for (const name of ['apt', 'bash', 'dpkg']) put(join(archive, `pool/${name}.deb`), randomBytes(60_000));
  digest = publishImage('amd64', 'dvd');
  isCurrent('13.1.0');
  http.missing = null;
  return () => site.remove();
});

afterAll(async () => {
  await rsyncd.stop();
  await http.stop();
  rmSync(scratch, { recursive: true, force: true });
});

describe.skipIf(MISSING.length > 0)('jigdo (needs the package jigdo-file)', () => {
  test('makes the images of all architectures and sets from a local archive, with the right checksums', async () => {
    const i386 = publishImage('i386', 'cd', '13.1.0', false);
    const cd = publishImage('amd64', 'cd');
    await site.apply(images());
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(sha256(at(IMAGE))).toBe(digest);
    expect(sha256(at('13.1.0/amd64/iso-cd/debian-13.1.0-amd64-CD-1.iso'))).toBe(cd);
    expect(sha256(at('13.1.0/i386/iso-cd/debian-13.1.0-i386-CD-1.iso'))).toBe(i386);
    expect(readFileSync(at('current/amd64/iso-dvd/debian-13.1.0-amd64-netinst.iso'), 'utf8')).toBe(
      'netinst amd64',
    );
    expect(readFileSync(at('project/trace/mirror.test'), 'utf8')).toMatch(
      /^\w{3} \w{3} [ \d]\d [\d:]{8} UTC \d{4}\n$/,
    );
    expect(readdirSync(site.dst('images')).sort()).toEqual(['13.1.0', 'current', 'project']);
    expect(site.log('images')).toContain('3 images of 3 sets are made');
    expect(existsSync(join(site.root, 'var/lib/mirror/work/images'))).toBe(false);
  });

  test('fetches what a local archive lacks from http, and leaves alone what is made', async () => {
    await site.apply(images({ debian_mirror: http.url('') }));
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(sha256(at(IMAGE))).toBe(digest);
    expect(http.requests.filter((line) => line.includes('.deb'))).toHaveLength(3);
    // Upstream does not have it, and one of the patterns of the last pass is for it.
    await site.apply(images({ debian_mirror: http.url(''), final_includes: ['*.iso'] }));
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(sha256(at(IMAGE))).toBe(digest);
    expect(http.requests.filter((line) => line.includes('.deb'))).toHaveLength(3);
    expect(site.log('images')).toContain('is up to date');
  });

  test('makes an image anew when its jigdo file changes, and those of the next version', async () => {
    await site.apply(images());
    expect(await site.run('images')).toMatchObject({ code: 0 });
    // The shell compares whole seconds.
    await new Promise((next) => setTimeout(next, 1100));
    put(join(archive, 'pool/bash.deb'), randomBytes(60_000));
    digest = publishImage('amd64', 'dvd');
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(sha256(at(IMAGE))).toBe(digest);

    const next = publishImage('amd64', 'dvd', '13.2.0');
    isCurrent('13.2.0');
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(sha256(at('current/amd64/iso-dvd/debian-13.2.0-amd64-DVD-1.iso'))).toBe(next);
  });

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

  test('goes on with the other sets when one fails', async () => {
    put(
      join(upstream, '13.1.0/amd64/jigdo-cd/broken.jigdo'),
      '[Image]\nFilename=a.iso\nTemplate=a.template\n',
    );
    put(join(upstream, 'project/build/13.1.0/amd64'), 'cd dvd\n');
    expect(await fails()).toEqual([69, expect.stringMatching(/^transfer: 1 of 2 images .*iso-cd\/a\.iso/)]);
    expect(sha256(at(IMAGE))).toBe(digest);
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

  test.skipIf(!ROOT)('the disk is full (needs root: mounts)', async () => {
    execFileSync('mkdir', ['-p', site.dst('images')]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160k', 'mirror-test', site.dst('images')]);
    try {
      expect(await fails({}, { guard: { min_free: '0' } })).toEqual([
        73,
        expect.stringMatching(/^space: no space left .*No space left on device/),
      ]);
    } finally {
      execFileSync('umount', [site.dst('images')]);
    }
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

  test('--dry-run says what would be run, --transfer what it would bring', async () => {
    await site.apply(images());
    const { stdout } = await site.mirror('run', '--dry-run', 'images');
    expect(stdout).toContain('for each set of images: jigdo-mirror');
    const transfer = await site.mirror('run', '--dry-run', '--transfer', 'images');
    expect(transfer).toMatchObject({ code: 0 });
    expect(transfer.stdout).toContain('4 to add');
    expect(existsSync(at('current'))).toBe(false);
  });
});
