import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { filesBelow } from '../support/apt-repo.js';
import { matching } from '../support/matching.js';
import { makeRpmRepo } from '../support/rpm-repo.js';
import type { RpmRepo } from '../support/rpm-repo.js';
import { onPath } from '../support/tools.js';
import { id, key, last, serveRepositories, server, site, upstream } from './web-upstream.js';

const WITHOUT = ['dnf', 'rpmbuild', 'createrepo_c'].filter((tool) => !onPath(tool));
let repo: RpmRepo;

describe.skipIf(WITHOUT.length > 0)(`reposync${WITHOUT.map((tool) => ` (no ${tool})`).join('')}`, () => {
  serveRepositories('names');

  /** The index will name the copy, which lies on this host. */
  beforeEach(() => {
    repo = makeRpmRepo(upstream(), key);
    repo.add('bash', '1.0');
    repo.publish();
    cpSync(repo.path, `${repo.path}-local`, { recursive: true });
  });

  async function expectRefused(reason: RegExp): Promise<void> {
    const options = { check_gpg: false, timeout: 5, retries: 1 };
    await site.apply({ [id]: { synctype: 'reposync', settings: { src: server.url(id), options } } });
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ failure: 'transfer', reason: matching(reason) });
  }

  test('a package is no file of this host', async () => {
    const base = `file://${repo.path}-local/`;
    execFileSync('createrepo_c', ['--quiet', '--no-database', `--baseurl=${base}`, repo.path]);
    await expectRefused(/refused the name 'file:\/\//);
    expect(filesBelow(site.dst(id))).toEqual([]);
  });

  test('a part of the index is no file of this host', async () => {
    const file = join(repo.path, 'repodata/repomd.xml');
    const base = `xml:base="file://${repo.path}-local/" href=`;
    writeFileSync(file, readFileSync(file, 'utf8').replace('href=', base));
    await expectRefused(/no plain paths/);
    expect(filesBelow(site.dst(id)).filter((path) => path.startsWith('repodata/'))).toEqual([]);
  });
});
