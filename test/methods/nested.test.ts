import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeAptRepo, makeSigningKey } from '../support/apt-repo.js';
import type { SigningKey } from '../support/apt-repo.js';
import { writeFileList } from '../support/file-list.js';
import { startHttpServer } from '../support/http-server.js';
import type { HttpServer } from '../support/http-server.js';
import { makeRepository } from '../support/git-server.js';
import { startPythonServer } from '../support/python-server.js';
import type { PythonServer } from '../support/python-server.js';
import { makeRpmRepo } from '../support/rpm-repo.js';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { onPath } from '../support/tools.js';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

/** What a case says: the outer package, the inner one's path, a file that the outer sync is to delete. */
interface Case {
  readonly name: string;
  readonly tools: readonly string[];
  readonly outer: () => object;
  readonly inner: string;
  /** Below the outer dst; null: the method deletes nothing unknown. */
  readonly stray: string | null;
  /** The run that deletes is the first one. */
  readonly isFirst?: boolean;
}

const ODD = 'deep/in [x]\\$y (1)';

const scratch = mkdtempSync(join(tmpdir(), 'mirror-nested-'));
const tree = join(scratch, 'tree');
let site: MethodSite;
let rsyncd: Rsyncd;
let web: PythonServer;
let http: HttpServer;
let key: SigningKey;

const rsync = (options: object = {}): object => ({
  synctype: 'rsync',
  settings: { src: rsyncd.url('tree'), options },
});

const CASES: readonly Case[] = [
  { name: 'rsync', tools: ['rsync'], outer: () => rsync(), inner: ODD, stray: 'deep/old' },
  {
    name: 'rsync with words that would take an exclude back',
    tools: ['rsync'],
    outer: () =>
      rsync({
        base_args: ['-rlt', '--include=/deep/***', '--filter=R /deep/***'],
        exclude: ['+ /deep/***'],
        extra_args: ['--delete-excluded', '--include=/deep/***'],
      }),
    inner: ODD,
    stray: 'deep/old',
  },
  {
    name: 'rsync with stage_set',
    tools: ['rsync'],
    outer: () => rsync({ stage_set: 'debian' }),
    inner: ODD,
    stray: 'deep/old',
  },
  {
    name: 'ubuntu',
    tools: ['rsync'],
    outer: () => ({ synctype: 'ubuntu', settings: { src: rsyncd.url('tree') } }),
    inner: ODD,
    stray: 'deep/old',
  },
  {
    name: 'quick-fedora',
    tools: ['rsync'],
    outer: () => ({
      synctype: 'quick-fedora',
      settings: { src: rsyncd.url('tree'), options: { modules: ['fedora'] } },
    }),
    inner: `fedora/${ODD}`,
    // Later runs do not look for what no list names.
    isFirst: true,
    stray: 'fedora/deep/old',
  },
  {
    name: 'ftpsync',
    tools: ['ftpsync'],
    outer: () => ({ synctype: 'ftpsync', settings: { src: rsyncd.url('tree') } }),
    inner: 'deep/inner',
    stray: 'deep/old',
  },
  {
    name: 'lftp',
    tools: ['lftp'],
    outer: () => ({ synctype: 'lftp', settings: { src: `http://127.0.0.1:${String(web.port)}/` } }),
    inner: ODD,
    stray: 'deep/old',
  },
  {
    name: 'debmirror',
    tools: ['debmirror', 'apt-ftparchive'],
    outer: () => ({
      synctype: 'debmirror',
      settings: {
        src: http.url('apt'),
        options: { dists: ['stable'], source: false, keyring: [key.keyring], timeout: 1 },
      },
    }),
    inner: 'deep/in+er',
    stray: 'deep/old',
  },
  {
    name: 'apt-mirror',
    tools: ['apt-mirror', 'apt-ftparchive'],
    outer: () => ({
      synctype: 'apt-mirror',
      settings: {
        src: http.url('apt'),
        options: { dists: ['stable'], source: false, keyring: [key.keyring], timeout: 1 },
      },
    }),
    inner: 'deep/inner',
    stray: 'pool/old',
  },
  {
    name: 'reposync',
    tools: ['dnf', 'rpmbuild', 'createrepo_c'],
    outer: () => ({
      synctype: 'reposync',
      settings: { src: http.url('rpm'), options: { keys: [key.armored], timeout: 1 } },
    }),
    inner: 'deep/inner',
    stray: 'deep/old.rpm',
  },
  {
    name: 'git',
    tools: ['git'],
    outer: () => ({
      synctype: 'git',
      settings: { src: join(scratch, 'git'), options: { repositories: ['a.git'] } },
    }),
    inner: 'deep/inner',
    stray: null,
  },
];

function put(path: string, text = 'x\n'): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

beforeAll(async () => {
  put(join(tree, 'dists/stable/Release'), 'Suite: stable\nDate: Mon, 23 Nov 2026 02:05:09 UTC\n');
  put(join(tree, 'pool/a'));
  put(join(tree, 'project/trace/master'), 'Mon Nov 23 02:05:09 UTC 2026\n');
  put(join(tree, 'fedora/linux/a.rpm'));
  writeFileList(join(tree, 'fedora'), 'fullfiletimelist-fedora');
  rsyncd = await startRsyncd({ tree: { path: tree } });
  web = await startPythonServer('indexd.py', [tree]);
  http = await startHttpServer(join(scratch, 'www'));
  key = makeSigningKey();
  if (onPath('apt-ftparchive')) {
    const repo = makeAptRepo(join(scratch, 'www/apt'));
    repo.add('bash', '1.0');
    repo.publish(key);
  }
  if (onPath('rpmbuild')) {
    const repo = makeRpmRepo(join(scratch, 'www/rpm'), key);
    repo.add('bash', '1.0');
    repo.publish(key);
  }
  if (onPath('git')) makeRepository(join(scratch, 'git/a.git'));
});

beforeEach(() => {
  site = methodSite();
  return () => site.remove();
});

afterAll(async () => {
  for (const server of [rsyncd, web, http]) await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

describe("a sync leaves another package's tree in its dst alone", () => {
  test.for(CASES.filter(({ tools }) => tools.every(onPath)))(
    '$name',
    async ({ outer, inner, stray, isFirst }) => {
      const dst = join(site.dst('o'), inner);
      mkdirSync(dst, { recursive: true });
      await site.apply({ o: outer(), i: { synctype: 'local', settings: { dst } } });
      if (isFirst !== true) expect(await site.run('o')).toMatchObject({ code: 0 });
      const files = Array.from({ length: 8 }, (_, index) => join(dst, `sub/${String(index)}.rpm`));
      for (const file of files) put(file);
      if (stray !== null) put(join(site.dst('o'), stray));
      const { code, stdout } = await site.run('o', '--allow-deletes', '3');
      expect(files.filter((file) => !existsSync(file))).toEqual([]);
      expect(stdout).toContain('o: synced');
      expect(code).toBe(0);
      if (stray !== null) expect(existsSync(join(site.dst('o'), stray)), 'the stray file').toBe(false);
    },
  );

  test('also when upstream has lost the directory that the tree is in, and has files in its place', async () => {
    const dst = join(site.dst('o'), 'fedora/linux');
    mkdirSync(dst, { recursive: true });
    put(join(dst, 'a.rpm'), 'of the inner package\n');
    await site.apply({ o: rsync(), i: { synctype: 'local', settings: { dst } } });
    expect(await site.run('o')).toMatchObject({ code: 0 });
    expect(existsSync(join(site.dst('o'), 'fedora/linux/a.rpm'))).toBe(true);
    expect(existsSync(join(site.dst('o'), 'fedora/fullfiletimelist-fedora'))).toBe(true);
  });

  test('a program is told the paths, and a filter that would take the protection back is a mistake', async () => {
    const dst = join(site.dst('o'), 'inner');
    mkdirSync(dst, { recursive: true });
    const i = { synctype: 'local', settings: { dst } };
    const command = ['/bin/sh', '-c', 'printf %s "$MIRROR_NESTED" >nested'];
    await site.apply({ o: { synctype: 'command', settings: { options: { command } } }, i });
    expect(await site.run('o')).toMatchObject({ code: 0 });
    expect(readFileSync(join(site.dst('o'), 'nested'), 'utf8')).toBe('inner');
    await expect(site.apply({ o: rsync({ extra_args: ['--filter=!'] }), i })).rejects.toThrow('nested-dst');
    await expect(
      site.apply({ o: { synctype: 'git', settings: { src: join(scratch, 'git/a.git') } }, i }),
    ).rejects.toThrow('nested-dst');
  });
});
