import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { PypiSite, WITHOUT, wheel } from './pypi.js';

const LARGE = wheel('large', '1.0');

describe.skipIf(WITHOUT !== '')(`bandersnatch when things go wrong${WITHOUT}`, () => {
  const pypi = new PypiSite();
  beforeEach(() => pypi.begin());
  afterAll(() => pypi.end());

  test('a project that cannot be mirrored fails the run, though bandersnatch ends with 0', async () => {
    await pypi.apply();
    pypi.upstream.faults({ status: { 'packages/beta': 404 } });
    expect(await pypi.run()).toMatchObject({ code: 69 });
    expect(pypi.last).toMatchObject({ outcome: 'failed', failure: 'transfer' });
    expect(pypi.last.reason).toContain('some projects were not mirrored (exit 0)');
    expect(pypi.last.reason).toContain("404, message='Not Found'");
    expect(pypi.mirrored()).not.toContain(wheel('beta', '1.0'));
    expect(pypi.mirrored()).toHaveLength(2);
    pypi.upstream.faults({});
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toHaveLength(3);
  });

  test('a file that is not what upstream says it is fails the run', async () => {
    await pypi.apply();
    pypi.upstream.faults({ bodies: 'packages/alpha/1' });
    expect(await pypi.run()).toMatchObject({ code: 69 });
    expect(pypi.last.reason).toContain('Inconsistent file');
    expect(pypi.mirrored()).not.toContain(wheel('alpha', '1.0'));
  });

  test('the URL of a file is no path out of dst', async () => {
    await pypi.apply();
    expect(await pypi.run()).toMatchObject({ code: 0 });
    const { root } = pypi.upstream;
    const from = join(root, 'packages/alpha/1.0', wheel('alpha', '1.0'));
    const beside = readdirSync(join(pypi.dst, '..'));
    const climbing = [
      '..%2F..%2F..%2F..%2F..%2Fevil.whl',
      '%2E%2E%2F%2E%2E%2F%2E%2E%2Findex.html',
      'a%0Ab.whl',
    ];
    for (const name of climbing) {
      mkdirSync(join(root, 'packages/alpha/3.0'), { recursive: true });
      cpSync(from, join(root, 'packages/alpha/3.0', name));
      pypi.upstream.release('alpha', '4.0');
      expect(await pypi.run()).toMatchObject({ code: 69 });
      expect(pypi.last.reason).toContain('refused the name');
      expect(readdirSync(join(pypi.dst, '..'))).toEqual(beside);
      expect(pypi.mirrored().join(' ')).not.toMatch(/evil|index|\n/);
      pypi.upstream.remove('alpha', '3.0');
    }
  });

  test('the name of a project is no path', async () => {
    const serials = { alpha: 101, [join(pypi.dst, '../evil')]: 102 };
    writeFileSync(join(pypi.upstream.root, 'serials.json'), JSON.stringify(serials));
    await pypi.apply({ api_method: 'simple' });
    expect(await pypi.run()).toMatchObject({ code: 69 });
    expect(pypi.last.reason).toContain('refused the name');
  });

  test('an upstream that does not say what has changed is no success', async () => {
    await pypi.apply({ api_method: 'xmlrpc' });
    expect(await pypi.run()).toMatchObject({ code: 0 });
    pypi.upstream.release('gamma', '1.0');
    pypi.upstream.faults({ hang: '^POST /pypi' });
    expect(await pypi.run()).toMatchObject({ code: 69 });
    expect(pypi.last).toMatchObject({ outcome: 'failed', failure: 'unavailable' });
    expect(pypi.last.reason).toContain('upstream did not say what has changed');
    pypi.upstream.faults({});
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toHaveLength(4);
  });

  test('an upstream that lists nothing, or nothing that it has, is no success', async () => {
    writeFileSync(join(pypi.upstream.root, 'serials.json'), '{}');
    await pypi.apply({ api_method: 'simple' });
    expect(await pypi.run()).toMatchObject({ code: 69 });
    expect(pypi.last.reason).toContain('upstream lists no projects');
    writeFileSync(join(pypi.upstream.root, 'serials.json'), '{"nothing": 5}');
    expect(await pypi.run()).toMatchObject({ code: 69 });
    expect(pypi.last.reason).toContain('upstream has none of the projects that it lists');
  });

  test.each([
    [{ status: { '^POST /pypi': 403 } }, 77, 'auth', 'refused by upstream'],
    [{ status: { '^POST /pypi': 404 } }, 77, 'auth', 'upstream has no index there'],
    [{ status: { '^POST /pypi': 503 } }, 69, 'unavailable', 'upstream has no time'],
    [{ hang: 'POST /pypi' }, 69, 'unavailable', 'connection to upstream failed'],
    [{ status: { '^/simple/?$': 403 } }, 77, 'auth', 'refused by upstream'],
    [{ status: { '^/simple/?$': 503 } }, 69, 'unavailable', 'upstream has no time'],
    [{ hang: '^/simple/?$' }, 69, 'unavailable', 'connection to upstream failed'],
    [{ hang: '/packages/' }, 69, 'unavailable', 'connection to upstream failed'],
    [{ hang: '/beta/json' }, 69, 'unavailable', 'connection to upstream failed'],
    [{ status: { '/beta/json': 502 } }, 69, 'unavailable', 'upstream has no time'],
  ] as const)('an upstream with %j ends the run with %i, %s: %s', async (faults, code, failure, words) => {
    await pypi.apply(JSON.stringify(faults).includes('POST') ? { api_method: 'xmlrpc' } : {});
    pypi.upstream.faults(faults);
    expect(await pypi.run()).toMatchObject({ code });
    expect(pypi.last).toMatchObject({ outcome: 'failed', failure });
    expect(pypi.last.reason).toContain(words);
  });

  test('an upstream that is not there is unavailable', async () => {
    await pypi.apply({}, 'http://127.0.0.1:1');
    expect(await pypi.run()).toMatchObject({ code: 69 });
    expect(pypi.last).toMatchObject({ outcome: 'failed', failure: 'unavailable' });
    expect(pypi.last.reason).toContain('Cannot connect to host 127.0.0.1:1');
  });

  test('an answer that is no index', async () => {
    await pypi.apply({ api_method: 'simple' });
    pypi.upstream.faults({ bodies: '^/simple' });
    expect(await pypi.run()).toMatchObject({ code: 69 });
    expect(pypi.last).toMatchObject({ failure: 'transfer' });
    expect(pypi.last.reason).toContain("upstream's answer is no index");
  });

  test('a connection that is cut or goes silent half way', async () => {
    pypi.upstream.release('large', '1.0', 3_000_000);
    const proxy = await startFaultProxy(pypi.port);
    try {
      await pypi.apply({}, `http://127.0.0.1:${String(proxy.port)}`);
      for (const then of ['cut', 'hang'] as const) {
        proxy.set({ after: 1_000_000, then });
        expect(await pypi.run(), then).toMatchObject({ code: 69 });
        expect(pypi.last, then).toMatchObject({ outcome: 'failed', failure: 'unavailable' });
        expect(pypi.mirrored(), then).not.toContain(LARGE);
      }
      proxy.set(null);
      expect(await pypi.run()).toMatchObject({ code: 0 });
      expect(pypi.mirrored()).toContain(LARGE);
    } finally {
      await proxy.stop();
    }
  });

  test('a certificate that nobody vouches for', async () => {
    await pypi.apply({}, pypi.tlsUrl);
    expect(await pypi.run()).toMatchObject({ code: 77 });
    expect(pypi.last).toMatchObject({ failure: 'auth' });
    expect(pypi.last.reason).toContain("upstream's certificate is not trusted");
    await pypi.apply({}, pypi.tlsUrl, { network: { ca_file: pypi.cert } });
    expect(await pypi.run()).toMatchObject({ code: 0 });
  });

  test('a configuration that bandersnatch does not take, and one that is not there', async () => {
    await pypi.apply({ block_projects: ['('] });
    expect(await pypi.run()).toMatchObject({ code: 78 });
    expect(pypi.last).toMatchObject({ failure: 'config' });
    await pypi.applyOwn(join(pypi.scratch, 'nowhere/bandersnatch.conf'));
    expect(await pypi.run()).toMatchObject({ code: 78 });
    expect(pypi.last).toMatchObject({ failure: 'config' });
  });

  describe.skipIf(!MAY_MOUNT)(`disks${MAY_MOUNT ? '' : ' (skipped: not root)'}`, () => {
    test('a disk that is full fails the run as such', async () => {
      pypi.upstream.release('large', '1.0', 3_000_000);
      await pypi.apply({}, pypi.url, { guard: { min_free: '0' } });
      await onDisk(pypi.dst, 'size=1m', async () => {
        expect(await pypi.run()).toMatchObject({ code: 73 });
        expect(pypi.last).toMatchObject({ outcome: 'failed', failure: 'space' });
        expect(pypi.last.reason).toContain('No space left on device');
      });
    });

    test('a disk that may not be written is local trouble', async () => {
      await pypi.apply();
      await onDisk(pypi.dst, 'size=1m,ro', async () => {
        expect(await pypi.run()).toMatchObject({ code: 74 });
        expect(pypi.last).toMatchObject({ outcome: 'failed', failure: 'io' });
        expect(pypi.last.reason).toContain('Read-only file system');
      });
    });
  });
});
