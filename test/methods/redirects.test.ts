import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeAptRepo, makeSigningKey } from '../support/apt-repo.js';
import type { SigningKey } from '../support/apt-repo.js';
import { makeRepository, startGitHttp } from '../support/git-server.js';
import { startHttpServer } from '../support/http-server.js';
import { BANDERSNATCH, pypiTree } from '../support/pypi.js';
import { hasPython, startPythonServer } from '../support/python-server.js';
import { startRedirector } from '../support/redirector.js';
import type { Redirector } from '../support/redirector.js';
import { makeRpmRepo } from '../support/rpm-repo.js';
import { onPath } from '../support/tools.js';
import { methodSite } from './site.js';
import { WITHOUT as NO_BANDERSNATCH } from './pypi.js';

/** An upstream, what a package takes from it, and the requests that a hostile one would answer with a redirect. */
interface Upstream {
  readonly port: number;
  readonly path: string;
  readonly options: object;
  readonly redirected: RegExp;
  stop(): Promise<void>;
}

const scratch = mkdtempSync(join(tmpdir(), 'mirror-redirects-'));
const site = methodSite();
let key: SigningKey;
let count = 0;

beforeAll(() => {
  key = makeSigningKey();
});
afterAll(() => {
  key.remove();
  site.remove();
  rmSync(scratch, { recursive: true, force: true });
});

function directory(): string {
  count += 1;
  const path = join(scratch, `www${String(count)}`);
  mkdirSync(path);
  return path;
}

async function served(root: string, path: string, options: object, redirected: RegExp): Promise<Upstream> {
  const server = await startHttpServer(root);
  return { port: server.port, path, options, redirected, stop: () => server.stop() };
}

const UPSTREAMS: Readonly<Record<string, { tools: readonly string[]; start: () => Promise<Upstream> }>> = {
  lftp: {
    tools: ['lftp', ...(hasPython('http.server') ? [] : ['python3'])],
    start: async () => {
      const root = directory();
      mkdirSync(join(root, 'pub'));
      for (const name of ['README', 'file']) writeFileSync(join(root, 'pub', name), name);
      const server = await startPythonServer('indexd.py', [root]);
      const options = { net_timeout: 2, max_retries: 1 };
      return { port: server.port, path: 'pub/', options, redirected: /file$/, stop: () => server.stop() };
    },
  },
  'apt-mirror': {
    tools: ['apt-mirror', 'wget', 'gpgv', 'apt-ftparchive'],
    start: async () => served(aptRepository(), 'debian', aptOptions(), /\.deb$/),
  },
  debmirror: {
    tools: ['debmirror', 'apt-ftparchive'],
    start: async () => served(aptRepository(), 'debian', aptOptions(), /\.deb$/),
  },
  reposync: {
    tools: ['dnf', 'rpmkeys', 'rpmbuild', 'createrepo_c'],
    start: async () => {
      const root = directory();
      const repo = makeRpmRepo(join(root, 'rocky'), key);
      repo.add('bash', '1.0');
      repo.publish(key);
      return served(root, 'rocky', { keys: [key.armored], timeout: 1, retries: 1 }, /\.rpm$/);
    },
  },
  git: {
    tools: ['git'],
    start: async () => {
      const root = directory();
      makeRepository(join(root, 'linux.git'));
      const server = await startGitHttp(root, {});
      return {
        port: server.port,
        path: 'linux.git',
        options: {},
        redirected: /info\/refs/,
        stop: () => server.stop(),
      };
    },
  },
  bandersnatch: {
    tools: NO_BANDERSNATCH === '' ? [] : ['bandersnatch'],
    start: async () => {
      const tree = pypiTree(directory());
      tree.release('alpha', '1.0');
      const server = await startPythonServer('pypid.py', [tree.root]);
      const options = { program: join(BANDERSNATCH, 'bin/bandersnatch'), timeout: 2 };
      return { port: server.port, path: '', options, redirected: /\.whl$/, stop: () => server.stop() };
    },
  },
};

function aptRepository(): string {
  const root = directory();
  const repo = makeAptRepo(join(root, 'debian'));
  repo.add('bash', '1.0');
  repo.publish(key);
  return root;
}

function aptOptions(): object {
  return { dists: ['stable'], source: false, keyring: [key.keyring], timeout: 1 };
}

describe.each(Object.entries(UPSTREAMS))('a redirect of an upstream of %s', (method, { tools, start }) => {
  const missing = tools.filter((tool) => !onPath(tool));
  const check = test.skipIf(missing.length > 0);
  let front: Redirector;
  let upstream: Upstream;
  let id = '';

  beforeAll(async () => {
    if (missing.length > 0) return;
    upstream = await start();
    front = await startRedirector(upstream.port);
  });
  afterAll(async () => {
    if (missing.length > 0) return;
    await front.stop();
    await upstream.stop();
  });
  afterEach(() => {
    front.hits.length = 0;
  });

  async function run(way: 'same' | 'away', network: object = {}): Promise<number | null> {
    count += 1;
    id = `pkg${String(count)}`;
    front.rule = (path) => (upstream.redirected.test(path) ? way : 'serve');
    const src = `http://127.0.0.1:${String(front.port)}/${upstream.path}`;
    await site.apply({
      [id]: { synctype: method, network, settings: { src, options: upstream.options } },
    });
    return (await site.run(id)).code;
  }

  check('is followed on its own host', async () => {
    expect(await run('same'), site.log(id)).toBe(0);
    expect(front.hits).toEqual([]);
  });

  check('is not followed to another host', async () => {
    expect(await run('away')).not.toBe(0);
    expect(front.hits).toEqual([]);
    // Of lftp and wget the log says no more than that a connection was refused.
    const says = ['lftp', 'apt-mirror'].includes(method)
      ? 'connection to upstream failed|not transferred'
      : '`network.redirects`';
    expect(site.state(id).last?.reason).toMatch(new RegExp(says));
  });

  check('is followed to a host that `network.redirects` names', async () => {
    expect(await run('away', { redirects: ['127.0.0.2'] }), site.log(id)).toBe(0);
    expect(front.hits).not.toEqual([]);
  });

  // dnf follows what its proxy lets it follow.
  test.skipIf(missing.length > 0 || method === 'reposync')(
    'is not followed from behind a proxy',
    async () => {
      // The upstream itself answers as a proxy would: it takes whole URLs.
      const proxy = `http://127.0.0.1:${String(front.port)}`;
      expect(await run('away', { proxy })).not.toBe(0);
      expect(front.hits).toEqual([]);
    },
  );
});

describe.skipIf(NO_BANDERSNATCH !== '')('an index of PyPI', () => {
  test('does not lead to another host by the URLs of its files', async () => {
    const start = UPSTREAMS.bandersnatch?.start;
    if (!start) throw new Error('no upstream');
    const upstream = await start();
    const front = await startRedirector(upstream.port);
    onTestFinished(async () => {
      await front.stop();
      await upstream.stop();
    });
    front.named = front.away;
    const src = `http://127.0.0.1:${String(front.port)}/`;
    await site.apply({ pypi: { synctype: 'bandersnatch', settings: { src, options: upstream.options } } });
    expect((await site.run('pypi')).code).not.toBe(0);
    expect(front.hits).toEqual([]);
  });
});
