import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { makeAptRepo } from '../support/apt-repo.js';
import type { AptRepo } from '../support/apt-repo.js';
import { matching } from '../support/matching.js';
import { startRsyncd } from '../support/rsyncd.js';
import { onPath } from '../support/tools.js';
import { id, key, last, serveRepositories, server, site, upstream } from './web-upstream.js';

const WITHOUT = ['debmirror', 'patch', 'ed'].filter((tool) => !onPath(tool));
let repo: AptRepo;

describe.skipIf(WITHOUT.length > 0)(`debmirror${WITHOUT.map((tool) => ` (no ${tool})`).join('')}`, () => {
  serveRepositories('names');

  beforeEach(() => {
    repo = makeAptRepo(upstream());
    repo.add('apt', '1.0');
    repo.publish(key);
  });

  /** Signs an index in which `edit` has changed the texts; files that it adds are named, too. */
  function publish(edit: { packages?: (text: string) => string; release?: (text: string) => string }): void {
    const dists = join(repo.path, 'dists/stable');
    const index = join(dists, 'main/binary-amd64/Packages');
    const text = gunzipSync(readFileSync(`${index}.gz`)).toString();
    writeFileSync(index, edit.packages?.(text) ?? text);
    for (const tool of ['gzip', 'xz']) execFileSync(tool, ['-kf', index]);
    for (const name of ['Release', 'InRelease', 'Release.gpg']) rmSync(join(dists, name));
    const fields = ['Suite=stable', 'Codename=stable', 'Components=main', 'Architectures=amd64'];
    const options = fields.map((field) => `-oAPT::FTPArchive::Release::${field}`);
    const release = execFileSync('apt-ftparchive', [...options, 'release', dists], { encoding: 'utf8' });
    rmSync(index);
    writeFileSync(join(dists, 'Release'), edit.release?.(release) ?? release);
    key.gpg('--clearsign', '--output', join(dists, 'InRelease'), join(dists, 'Release'));
    key.gpg('--armor', '--detach-sign', '--output', join(dists, 'Release.gpg'), join(dists, 'Release'));
  }

  /** A run of a mirror that has been synced before: it is refused, and has made nothing in or beside dst. */
  async function expectRefused(src: string, options: object, name: RegExp): Promise<void> {
    const all = { dists: ['stable'], source: false, keyring: [key.keyring], timeout: 5, ...options };
    await site.apply({ [id]: { synctype: 'debmirror', settings: { src, options: all } } });
    const beside = readdirSync(join(site.root, 'srv'));
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({
      failure: 'transfer',
      reason: matching(/no plain path|outside of its repository/),
    });
    expect(site.log(id)).toMatch(name);
    expect(readdirSync(join(site.root, 'srv'))).toEqual(beside);
    for (const made of ['PWNED', '.temp/PWNED', 'dists/stable/Release'])
      expect(existsSync(join(site.dst(id), made)), made).toBe(false);
  }

  test('a codename is no command of a shell', async () => {
    publish({ release: (text) => text.replace(/Codename: .*/, 'Codename: a;touch PWNED;b') });
    cpSync(join(repo.path, 'dists/stable'), join(repo.path, 'dists/a;touch PWNED;b'), { recursive: true });
    await expectRefused(server.url(id), {}, /refused the name a;touch PWNED;b/);
  });

  test('a suite is no path out of dst', async () => {
    publish({ release: (text) => text.replace('Suite: stable', 'Suite: ../../beside') });
    await expectRefused(server.url(id), {}, /refused the name \.\.\/\.\.\/beside/);
  });

  test('a package is no path out of dst', async () => {
    publish({ packages: (text) => text.replace('Filename: pool/', 'Filename: ../beside/pool/') });
    cpSync(join(repo.path, 'pool'), join(dirname(repo.path), 'beside/pool'), { recursive: true });
    await expectRefused(server.url(id), {}, /refused the path \.\.\/beside\/pool\//);
  });

  test('a file of the index is no command of the shell that calls rsync', async () => {
    const named = 'main/i18n/Translation-en`touch PWNED`.xz';
    mkdirSync(join(repo.path, 'dists/stable/main/i18n'));
    writeFileSync(join(repo.path, 'dists/stable', named), 'x');
    publish({});
    const daemon = await startRsyncd({ module: { path: repo.path } });
    try {
      await expectRefused(daemon.url('module'), {}, /refused the name .*Translation-en`touch PWNED`/);
    } finally {
      await daemon.stop();
    }
  });

  test('a patch of an index is no command of a shell', async () => {
    const digest = (path: string): string =>
      execFileSync('sha1sum', [path], { encoding: 'utf8' }).slice(0, 40);
    const packages = join(repo.path, 'dists/stable/main/binary-amd64/Packages');
    const text = gunzipSync(readFileSync(`${packages}.gz`));
    writeFileSync(packages, text);
    const history = `${digest(packages)} ${String(text.length)} x";touch PWNED;"`;
    rmSync(packages);
    mkdirSync(`${packages}.diff`);
    const index = `SHA1-Current: ${'0'.repeat(40)} 1\nSHA1-History:\n ${history}\nSHA1-Patches:\n`;
    writeFileSync(join(`${packages}.diff`, 'Index'), index);
    publish({});
    // What an earlier run has left.
    mkdirSync(join(site.dst(id), '.temp/dists/stable/main/binary-amd64'), { recursive: true });
    writeFileSync(join(site.dst(id), '.temp/dists/stable/main/binary-amd64/Packages'), text);
    await expectRefused(server.url(id), { diff: 'use' }, /refused the name x";touch PWNED;"/);
  });

  test('names with every character of archives are mirrored', async () => {
    const odd = 'pool/main/o/odd/odd_1:2.0~rc1+b1-1=,@x_amd64.deb';
    publish({ packages: (text) => text.replace(/Filename: .*/, `Filename: ${odd}`) });
    mkdirSync(dirname(join(repo.path, odd)), { recursive: true });
    cpSync(join(repo.path, 'pool/main/a/apt/apt_1.0_amd64.deb'), join(repo.path, odd));
    const options = { dists: ['stable'], source: false, keyring: [key.keyring], timeout: 5 };
    await site.apply({ [id]: { synctype: 'debmirror', settings: { src: server.url(id), options } } });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(existsSync(join(site.dst(id), odd))).toBe(true);
  });
});
