import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { useAptMirror } from '../support/apt-client.js';
import type { AptClientOptions, AptResult } from '../support/apt-client.js';
import { filesBelow, makeAptRepo } from '../support/apt-repo.js';
import type { AptRepo } from '../support/apt-repo.js';
import { matching } from '../support/matching.js';
import { onPath } from '../support/tools.js';
import { id, key, last, serveRepositories, server, site, upstream } from './web-upstream.js';

const WITHOUT = ['apt-mirror', 'debmirror', 'wget', 'gpgv', 'apt-ftparchive', 'apt-get'].filter(
  (tool) => !onPath(tool),
);
const METHODS = ['debmirror', 'apt-mirror'] as const;
type Method = (typeof METHODS)[number];

let repo: AptRepo;

/** Every test here ends with a client that uses the mirror, or with a run that is no success and left the mirror as it was. */
describe.skipIf(WITHOUT.length > 0)(
  `the proof of an apt mirror${WITHOUT.map((tool) => ` (no ${tool})`).join('')}`,
  () => {
    serveRepositories('proof');

    beforeEach(() => {
      repo = makeAptRepo(upstream());
      for (const name of ['apt', 'bash', 'dash', 'sed']) repo.add(name, '1.0');
      repo.publish(key);
    });

    async function apply(method: Method, options: object = {}, keys: object = {}): Promise<void> {
      const all = { dists: ['stable'], source: false, keyring: [key.keyring], timeout: 2, ...options };
      const settings = { src: server.url(id), options: all };
      await site.apply({ [id]: { synctype: method, ...keys, settings } });
    }

    function client(packages = ['bash'], options: AptClientOptions = {}): Promise<AptResult> {
      return useAptMirror(site.dst(id), key.keyring, packages, options);
    }

    function debs(): string[] {
      return filesBelow(site.dst(id)).filter((file) => file.endsWith('.deb'));
    }

    function inRelease(): string {
      return readFileSync(join(site.dst(id), 'dists/stable/InRelease'), 'utf8');
    }

    /** A file of the index beside Packages; what is in it reads as a translation. */
    function index(path: string, name = 'bash'): (dists: string) => void {
      return (dists) => {
        mkdirSync(dirname(join(dists, path)), { recursive: true });
        const text = `Package: ${name}\nDescription-md5: 60b725f10c9c85c70d97880dfe8191b3\nDescription-en: a\n b\n`;
        writeFileSync(join(dists, path), text);
        if (path.endsWith('.tar.gz')) return;
        // Named in Release without compression, too: only what is named so is asked for by apt.
        execFileSync('xz', ['-kf', join(dists, path)]);
      };
    }

    const spelled: [string, (text: string) => string][] = [
      ['./pool', (text) => text.replaceAll('Filename: pool', 'Filename: ./pool')],
      ['pool//', (text) => text.replaceAll('Filename: pool/', 'Filename: pool//')],
      ['..', (text) => text.replaceAll('Filename: pool/main/', 'Filename: pool/main/../main/')],
    ];

    test.each(METHODS.flatMap((method) => spelled.map(([how, edit]) => [method, how, edit] as const)))(
      '%s: packages that the index spells with %s are kept, and fetched once',
      async (method, _, edit) => {
        await apply(method, {}, { guard: { deletes: 1 } });
        await site.run(id);
        repo.publish(key, { packages: edit });
        const { code } = await site.run(id);
        // wget asks for the path as a browser does; apt-mirror looks for another name.
        if (code === 0) {
          expect(await client()).toMatchObject({ code: 0 });
          server.requests.length = 0;
          expect(await site.run(id)).toMatchObject({ code: 0 });
          expect(server.requests.filter((line) => line.includes('.deb'))).toEqual([]);
        } else expect(last()).toMatchObject({ failure: 'transfer' });
        expect(debs()).toHaveLength(4);
      },
    );

    test.each(METHODS)('%s: a path that leads out of the repository is not followed', async (method) => {
      await apply(method);
      await site.run(id);
      const before = inRelease();
      const out = (text: string): string =>
        text.replace('Filename: pool/main/b/bash/', 'Filename: ../../../outside/');
      repo.publish(key, { packages: out });
      expect((await site.run(id)).code).not.toBe(0);
      expect(last()).toMatchObject({ outcome: 'failed', failure: 'transfer' });
      expect(inRelease()).toBe(before);
      expect(existsSync(join(site.root, 'outside'))).toBe(false);
      expect(debs()).toHaveLength(4);
      expect(await client()).toMatchObject({ code: 0 });
    });

    test.each(METHODS)('%s: an upstream that empties itself during the run', async (method) => {
      await apply(method, {}, { guard: { deletes: 1 } });
      await site.run(id);
      let asked = 0;
      server.before = (path) => {
        if (!path.endsWith('/Release') || ++asked !== 2) return;
        for (const name of ['apt', 'dash', 'sed']) repo.remove(name);
        repo.publish(key);
      };
      const first = await site.run(id);
      const second = await site.run(id);
      server.before = null;
      expect([first.code, second.code]).toContain(77);
      expect(debs()).toHaveLength(4);
      expect(await client()).toMatchObject({ code: 0 });
    });

    test.each(METHODS.flatMap((method) => ['i18n', 'dep11', 'cnf'].map((kind) => [method, kind] as const)))(
      '%s: files below %s that upstream does not give are missed in any run',
      async (method, kind) => {
        const path = {
          i18n: 'main/i18n/Translation-en',
          dep11: 'main/dep11/Components-amd64.yml',
          cnf: 'main/cnf/Commands-amd64',
        }[kind];
        repo.publish(key, { more: index(path ?? '') });
        await apply(method);
        server.missing = new RegExp(`/${kind}/`);
        expect((await site.run(id)).code).toBe(69);
        expect(existsSync(join(site.dst(id), 'dists/stable/InRelease'))).toBe(false);
        server.missing = null;
        expect(await site.run(id)).toMatchObject({ code: 0 });
        const { code, requests } = await client();
        expect(code).toBe(0);
        expect(requests.join('\n')).toContain(`${path ?? ''}.xz 200`);
        server.missing = new RegExp(`/${kind}/`);
        repo.publish(key, { more: index(path ?? '', 'dash') });
        expect((await site.run(id)).code).toBe(69);
        expect(await client()).toMatchObject({ code: 0 });
      },
    );

    test.each(METHODS)('%s: readers of any language can update', async (method) => {
      repo.publish(key, {
        more: (dists) => {
          index('main/i18n/Translation-en')(dists);
          index('main/i18n/Translation-de')(dists);
        },
      });
      await apply(method);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      const { code, requests } = await client(['bash'], { languages: ['de'] });
      expect(code).toBe(0);
      expect(requests.join('\n')).toContain('Translation-de.xz 200');
    });

    test.each(METHODS)('%s: an index of all that clients ask for comes with its packages', async (method) => {
      repo.publish(key, {
        more: (dists) => {
          const packages = join(dists, 'main/binary-amd64/Packages');
          const [first = '', ...others] = readFileSync(packages, 'utf8').split('\n\n');
          const all = first.replace('Architecture: amd64', 'Architecture: all');
          mkdirSync(join(dists, 'main/binary-all'));
          writeFileSync(join(dists, 'main/binary-all/Packages'), `${all}\n\n`);
          writeFileSync(packages, others.join('\n\n'));
          for (const path of [packages, join(dists, 'main/binary-all/Packages')])
            for (const tool of ['gzip', 'xz']) execFileSync(tool, ['-kf', path]);
        },
        release: (text) => text.replace('Architectures: amd64', 'Architectures: all amd64'),
      });
      await apply(method);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(debs()).toHaveLength(4);
      expect(await client(['dash'])).toMatchObject({ code: 0 });
    });

    test.each(METHODS)('%s: an icon with @ in its name is mirrored', async (method) => {
      const icons = 'main/dep11/icons-64x64@2.tar.gz';
      repo.publish(key, { more: index(icons) });
      await apply(method);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(filesBelow(site.dst(id))).toContain(`dists/stable/${icons}`);
    });

    test.each(METHODS)('%s: an upstream with InRelease only', async (method) => {
      repo.publish(key, { more: index('main/i18n/Translation-en'), without: ['Release', 'Release.gpg'] });
      await apply(method);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(await client()).toMatchObject({ code: 0 });
      repo.add('zsh', '1.0');
      repo.publish(key, {
        more: index('main/i18n/Translation-en', 'dash'),
        without: ['Release', 'Release.gpg'],
      });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(await client(['zsh'])).toMatchObject({ code: 0 });
    });

    test.each(METHODS)('%s: a package that is replaced under its name and size', async (method) => {
      await apply(method);
      await site.run(id);
      const path = 'pool/main/b/bash/bash_1.0_amd64.deb';
      const bytes = readFileSync(join(repo.path, path));
      bytes[1500] = (bytes[1500] ?? 0) ^ 1;
      writeFileSync(join(repo.path, path), bytes);
      repo.publish(key);
      server.requests.length = 0;
      expect(await site.run(id)).toMatchObject({ code: 0 });
      const sum = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
      expect(sum(join(site.dst(id), path))).toBe(sum(join(repo.path, path)));
      expect(server.requests.filter((line) => line.includes('.deb')).length).toBe(1);
      expect(await client(['bash'])).toMatchObject({ code: 0 });
    });

    test.each(METHODS)('%s: Release with SHA512 only, and with weaker digests only', async (method) => {
      const only = (name: string) => (text: string) => {
        const [head = '', ...lists] = text.split(/^(?=(?:MD5Sum|SHA1|SHA256|SHA512):\n)/m);
        return head + (lists.find((list) => list.startsWith(`${name}:`)) ?? '');
      };
      repo.publish(key, { release: only('SHA512') });
      await apply(method);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(await client()).toMatchObject({ code: 0 });
      const before = inRelease();
      repo.publish(key, { release: only('SHA1') });
      expect(await site.run(id)).toMatchObject({ code: 78 });
      expect(last()).toMatchObject({ failure: 'config', reason: matching(/MD5 and SHA-1/) });
      expect(inRelease()).toBe(before);
    });

    test.each(METHODS)('%s: a Release that is no longer valid makes the package stale', async (method) => {
      const dated = (from: string, until: string) => (text: string) =>
        text.replace(/^Date:.*$/m, `Date: ${from}\nValid-Until: ${until}`);
      const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toUTCString();
      repo.publish(key, { release: dated(ago(9), ago(2)) });
      await apply(method);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(site.log(id)).toMatch(/WARNING.*valid until/);
      expect((await site.mirror('status', id)).stdout).toMatch(/stale/);
      repo.publish(key, { release: dated(ago(1), ago(-6)) });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect((await site.mirror('status', id)).stdout).not.toMatch(/stale/);
    });

    test.each(METHODS)('%s: by-hash has the last three generations', async (method) => {
      const offering = (text: string): string => text.replace(/^Date:/m, 'Acquire-By-Hash: yes\nDate:');
      await apply(method);
      const generations: string[] = [];
      for (let round = 0; round < 5; round += 1) {
        repo.add('zsh', `1.${String(round)}`);
        repo.publish(key, { release: offering });
        expect(await site.run(id)).toMatchObject({ code: 0 });
        const xz = readFileSync(join(repo.path, 'dists/stable/main/binary-amd64/Packages.xz'));
        generations.push(createHash('sha256').update(xz).digest('hex'));
      }
      const folders = readdirSync(join(site.dst(id), 'dists/stable/main/binary-amd64/by-hash'));
      const [folder = ''] = folders;
      expect(folders).toEqual([folder]);
      const { code, requests } = await client(['zsh']);
      expect(code).toBe(0);
      expect(requests.filter((line) => line.includes('/by-hash/')).join('\n')).not.toContain('404');
      expect(requests.join('\n')).toContain('/by-hash/');
      const at = join(site.dst(id), 'dists/stable/main/binary-amd64');
      const sums = readdirSync(join(at, 'by-hash', folder));
      expect(statSync(join(at, 'Packages.xz')).nlink).toBeGreaterThan(1);
      if (folder === 'SHA256')
        expect(generations.map((sum) => sums.includes(sum))).toEqual([false, false, true, true, true]);
    });

    test.each(METHODS)('%s: a repository without any package', async (method) => {
      for (const name of ['apt', 'bash', 'dash', 'sed']) repo.remove(name);
      repo.publish(key);
      await apply(method);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(await client([])).toMatchObject({ code: 0 });
    });

    test('debmirror: why it died is the reason', async () => {
      repo.publish(key, {
        tools: [],
        more: (dists) => execFileSync('zstd', ['-q', join(dists, 'main/binary-amd64/Packages')]),
      });
      await apply('debmirror');
      expect((await site.run(id)).code).toBe(69);
      expect(last()).toMatchObject({ reason: matching(/main\/binary-amd64\/Packages/) });
    });

    test('debmirror: nothing is left in its work directory of what is no longer mirrored', async () => {
      const contrib = index('contrib/binary-amd64/Packages', 'none');
      repo.publish(key, { more: contrib });
      await apply('debmirror', { sections: ['main', 'contrib'] });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(existsSync(join(site.dst(id), '.temp/dists/stable/contrib/binary-amd64'))).toBe(true);
      await apply('debmirror');
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(filesBelow(site.dst(id)).filter((file) => file.includes('contrib'))).toEqual([]);
    });

    test('debmirror: what options leave out is not missed, and goes', async () => {
      await apply('debmirror');
      await site.run(id);
      await apply('debmirror', { exclude: ['/dash_'], ignore: ['/sed_'] });
      repo.remove('sed');
      repo.publish(key);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(debs().map((file) => file.replace(/.*\//, ''))).toEqual([
        'apt_1.0_amd64.deb',
        'bash_1.0_amd64.deb',
        'sed_1.0_amd64.deb',
      ]);
      expect(last()).toMatchObject({ transfer: { deleted: 1 } });
    });

    test('apt-mirror: a name with %3a is the one of the file', async () => {
      const path = repo.add('colon', '1.0');
      execFileSync('mv', [join(repo.path, path), join(repo.path, dirname(path), 'colon_1%3a1.0_amd64.deb')]);
      repo.publish(key);
      await apply('apt-mirror');
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(await client(['colon'])).toMatchObject({ code: 0 });
    });
  },
);
