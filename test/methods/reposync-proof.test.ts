import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { indexFiles, proveIndex } from '../../src/run/special/proof/rpm-index.js';
import { unarmored } from '../../src/run/special/signed-index.js';
import type { ProveRpmStep } from '../../src/job/proof-step.js';
import { startHttpServer } from '../support/http-server.js';
import { matching } from '../support/matching.js';
import { makeRpmRepo } from '../support/rpm-repo.js';
import type { RpmRepo } from '../support/rpm-repo.js';
import { onPath } from '../support/tools.js';
import { id, key, last, serveRepositories, server, site, upstream } from './web-upstream.js';

const WITHOUT = ['dnf', 'rpmkeys', 'rpmbuild', 'createrepo_c', 'curl'].filter((tool) => !onPath(tool));
let repo: RpmRepo;

describe.skipIf(WITHOUT.length > 0)(
  `what an rpm mirror must prove${WITHOUT.map((tool) => ` (no ${tool})`).join('')}`,
  () => {
    serveRepositories('alma');

    /** A repository with a signed index, and the key beside it as many publish it. */
    beforeEach(() => {
      repo = makeRpmRepo(upstream(), key);
      repo.add('bash', '1.0');
      publish();
    });

    function publish(): void {
      repo.publish(key);
      writeFileSync(join(repo.path, 'repodata/repomd.xml.key'), readFileSync(key.armored));
    }

    async function apply(options: object = {}): Promise<void> {
      const all = { keys: [key.armored], timeout: 1, retries: 1, ...options };
      await site.apply({ [id]: { synctype: 'reposync', settings: { src: server.url(id), options: all } } });
    }

    /** Installs packages from the mirror as a client does that checks the signature of the index; the files that it got. */
    async function install(...names: string[]): Promise<string[]> {
      const root = mkdtempSync(join(tmpdir(), 'mirror-dnf-'));
      const mirror = await startHttpServer(site.dst(id));
      try {
        const set = (...settings: string[]): string[] => settings.map((setting) => `--setopt=${setting}`);
        const argv = [
          ...['dnf', '-y', '-q', `--installroot=${root}`, '--releasever=0', '--disableplugin=*'],
          ...set(`reposdir=${root}/none`, `cachedir=${root}/cache`, 'keepcache=1', 'm.repo_gpgcheck=1'),
          ...set('m.gpgcheck=0', `m.gpgkey=file://${key.armored}`, 'm.timeout=5', 'm.retries=1'),
          `--repofrompath=m,${mirror.url('')}`,
          ...['install', '--downloadonly', ...names],
        ];
        const [command = '', ...words] = argv;
        await promisify(execFile)(command, words, { env: { ...process.env, HOME: root } });
        const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
        // gpg leaves an agent behind there, which is dnf's own fault and none of the mirror's.
        for (const home of files.filter((file) => file.endsWith('/pubring')))
          execFileSync('gpgconf', ['--homedir', join(root, home), '--kill', 'all']);
        return files
          .filter((file) => file.endsWith('.rpm'))
          .map((file) => file.slice(file.lastIndexOf('/') + 1));
      } finally {
        await mirror.stop();
        rmSync(root, { recursive: true, force: true });
      }
    }

    const inRepodata = (name: string): boolean => existsSync(join(site.dst(id), 'repodata', name));

    test('signature and key come with the index, whether or not they are checked here', async () => {
      await apply();
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(inRepodata('repomd.xml.asc')).toBe(true);
      expect(inRepodata('repomd.xml.key')).toBe(true);
      expect(await install('bash')).toEqual(['bash-1.0-1.noarch.rpm']);
      repo.add('zsh', '1.0');
      publish();
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(await install('zsh')).toEqual(['zsh-1.0-1.noarch.rpm']);
      for (const name of ['asc', 'key']) rmSync(join(repo.path, `repodata/repomd.xml.${name}`));
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(inRepodata('repomd.xml.asc')).toBe(false);
    });

    test('they are kept on a mirror that was made by other means', async () => {
      await apply();
      cpSync(repo.path, site.dst(id), { recursive: true });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(last()).toMatchObject({ transfer: { files: 1, deleted: null } });
      expect(inRepodata('repomd.xml.asc') && inRepodata('repomd.xml.key')).toBe(true);
    });

    test('an index without signature is no index where it is checked, and no agent stays behind', async () => {
      await apply({ check_metadata_gpg: true });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      const agents = readdirSync('/proc').filter(
        (pid) => /^\d+$/.test(pid) && commandOf(pid).includes(site.root),
      );
      expect(agents).toEqual([]);
      rmSync(join(repo.path, 'repodata/repomd.xml.asc'));
      expect(await site.run(id)).toMatchObject({ code: 69 });
      expect(last()).toMatchObject({ failure: 'transfer', reason: matching(/the index is not signed/) });
      expect(await install('bash')).toEqual(['bash-1.0-1.noarch.rpm']);
    });

    function commandOf(pid: string): string {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    }

    test('packages beside the repository are a matter of the config', async () => {
      const packages = join(repo.path, '../pkgs');
      rmSync(packages, { recursive: true, force: true });
      renameSync(join(repo.path, 'Packages'), packages);
      rmSync(join(repo.path, 'repodata'), { recursive: true });
      execFileSync('createrepo_c', ['--quiet', '--location-prefix', '../pkgs', '-o', repo.path, packages]);
      await apply();
      expect(await site.run(id)).toMatchObject({ code: 78 });
      expect(last()).toMatchObject({ failure: 'config', reason: matching(/beside the repository/) });
    });

    test('an index that sends clients elsewhere is said to do so', async () => {
      execFileSync('createrepo_c', ['--quiet', '--baseurl', `${server.url(id)}/`, repo.path]);
      await apply();
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(site.log(id)).toContain(`sends clients to ${server.url(id)}/ for packages`);
    });

    test('the index must be the one that was fetched with its signature, with all its files', () => {
      const scratch = mkdtempSync(join(tmpdir(), 'mirror-rpm-index-'));
      const [held, signed, dst] = ['held', 'signed', 'dst'].map((name) => join(scratch, name)) as [
        string,
        string,
        string,
      ];
      for (const directory of [held, signed, dst]) mkdirSync(directory);
      cpSync(join(repo.path, 'repodata'), join(held, 'repodata'), { recursive: true });
      cpSync(join(repo.path, 'repodata/repomd.xml'), join(signed, 'repomd.xml'));
      const prove = (): object | null => proveIndex(dst, { held, signed } as ProveRpmStep);
      expect(prove()).toBe(null);
      const [first] = indexFiles(readFileSync(join(held, 'repodata/repomd.xml'), 'utf8'));
      const path = join(held, first?.path ?? '');
      const bytes = readFileSync(path);
      writeFileSync(path, Buffer.alloc(bytes.length));
      expect(prove()).toMatchObject({ failure: 'transfer' });
      rmSync(path);
      expect(prove()).toMatchObject({ failure: 'transfer' });
      writeFileSync(path, bytes);
      writeFileSync(join(signed, 'repomd.xml'), 'another one');
      expect(prove()).toMatchObject({ failure: 'unavailable' });
      rmSync(scratch, { recursive: true });
    });

    test('armor is taken off as gpg does it', () => {
      const armored = readFileSync(key.armored);
      const dearmored = execFileSync('gpg', ['--dearmor'], { input: armored });
      expect(unarmored(armored)).toEqual(dearmored);
      expect(unarmored(dearmored)).toEqual(dearmored);
      expect(unarmored(Buffer.concat([armored, armored]))).toEqual(Buffer.concat([dearmored, dearmored]));
    });
  },
);
