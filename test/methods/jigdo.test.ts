import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, describe, onTestFinished, test } from 'vitest';
import { startRedirector } from '../support/redirector.js';
import {
  MISSING,
  archive,
  fails,
  upstream,
  site,
  http,
  put,
  sha256,
  publishImage,
  isCurrent,
  images,
  at,
  IMAGE,
  digest,
} from './jigdo-upstream.js';

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

  test('goes to the hosts of the archive and of Debian only, whatever the archive or a jigdo file says', async () => {
    const front = await startRedirector(http.port);
    onTestFinished(() => front.stop());
    const debian_mirror = `http://127.0.0.1:${String(front.port)}/`;
    front.rule = (path) => (path.includes('bash') ? 'away' : 'serve');
    expect(await fails({ debian_mirror })).toEqual([69, expect.stringContaining('images were not made')]);
    expect(front.hits).toEqual([]);
    publishImage('amd64', 'dvd', '13.1.0', false);
    const jigdo = join(upstream, '13.1.0/amd64/jigdo-dvd/debian-13.1.0-amd64-DVD-1.jigdo');
    writeFileSync(jigdo, readFileSync(jigdo, 'utf8').replace('http://127.0.0.1:1/', `http://${front.away}/`));
    front.rule = () => 'serve';
    http.missing = /bash/;
    expect((await fails({ debian_mirror }))[0]).not.toBe(0);
    expect(front.hits).toEqual([]);
    http.missing = null;
    front.rule = (path) => (path.includes('bash') ? 'away' : 'serve');
    const network = { redirects: ['127.0.0.2'] };
    await site.apply(images({ debian_mirror }, { network }));
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(front.hits).not.toEqual([]);
  });

  test('makes an image anew when its jigdo file changes, and those of the next version', async () => {
    await site.apply(images());
    expect(await site.run('images')).toMatchObject({ code: 0 });
    // The shell compares whole seconds.
    await new Promise((next) => setTimeout(next, 1100));
    put(join(archive, 'pool/bash.deb'), randomBytes(60_000));
    const again = publishImage('amd64', 'dvd');
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(sha256(at(IMAGE))).toBe(again);

    const next = publishImage('amd64', 'dvd', '13.2.0');
    isCurrent('13.2.0');
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(sha256(at('current/amd64/iso-dvd/debian-13.2.0-amd64-DVD-1.iso'))).toBe(next);
  });

  test('removes the images of an old version, and keeps those that it takes from upstream as they are', async () => {
    put(join(upstream, '13.1.0/amd64/iso-cd/debian-13.1.0-amd64-netinst.iso'), 'net');
    await site.apply(images());
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(existsSync(at(IMAGE))).toBe(true);
    rmSync(join(upstream, '13.1.0'), { recursive: true });
    rmSync(join(upstream, 'project/build/13.1.0'), { recursive: true });
    const next = publishImage('amd64', 'dvd', '13.2.0');
    put(join(upstream, '13.2.0/amd64/iso-cd/debian-13.2.0-amd64-netinst.iso'), 'net');
    isCurrent('13.2.0');
    expect(await site.run('images', '--allow-deletes', '20')).toMatchObject({ code: 0 });
    expect(existsSync(at('13.1.0'))).toBe(false);
    expect(sha256(at('current/amd64/iso-dvd/debian-13.2.0-amd64-DVD-1.iso'))).toBe(next);
    expect(readFileSync(at('13.2.0/amd64/iso-cd/debian-13.2.0-amd64-netinst.iso'), 'utf8')).toBe('net');
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(sha256(at('current/amd64/iso-dvd/debian-13.2.0-amd64-DVD-1.iso'))).toBe(next);
  });

  test('names the images that upstream has without a jigdo file', async () => {
    put(join(upstream, '13.1.0/amd64/iso-bd/edu.iso'), 'no jigdo');
    put(join(upstream, '13.1.0/amd64/iso-bd/SHA256SUMS'), `${'0'.repeat(64)}  edu.iso\n`);
    await site.apply(images());
    expect(await site.run('images')).toMatchObject({ code: 0 });
    expect(site.state('images').last?.omissions?.[0]?.text).toBe(
      '1 file was left out (in SHA256SUMS, but neither made nor taken): 13.1.0/amd64/iso-bd/edu.iso',
    );
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
