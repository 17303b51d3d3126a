import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { BANDERSNATCH } from '../support/pypi.js';
import { startPythonServer } from '../support/python-server.js';
import { PypiSite, WITHOUT, wheel } from './pypi.js';

const [ALPHA1, ALPHA2, BETA] = [wheel('alpha', '1.0'), wheel('alpha', '2.0rc1'), wheel('beta', '1.0')];

describe.skipIf(WITHOUT !== '')(`bandersnatch${WITHOUT}`, () => {
  const pypi = new PypiSite();
  beforeEach(() => pypi.begin());
  afterAll(() => pypi.end());

  test('mirrors projects that pip can install from, then only what has changed', async () => {
    await pypi.apply();
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toEqual([ALPHA1, ALPHA2, BETA]);
    expect(pypi.last).toMatchObject({ outcome: 'synced', transfer: { transferred_files: 3 } });
    const web = await startPythonServer('indexd.py', [join(pypi.dst, 'web')]);
    try {
      const index = `http://127.0.0.1:${String(web.port)}/simple/`;
      const words = ['download', '-q', '--isolated', '--no-deps', '--index-url', index];
      execFileSync(join(BANDERSNATCH, 'bin/pip'), [...words, '-d', pypi.scratch, 'alpha'], {
        env: { PATH: process.env.PATH, PIP_CONFIG_FILE: '/dev/null' },
      });
    } finally {
      await web.stop();
    }
    expect(existsSync(join(pypi.scratch, ALPHA1))).toBe(true);
    pypi.upstream.release('beta', '1.1');
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toContain(wheel('beta', '1.1'));
    expect(pypi.log).toContain('1 packages to sync');
    expect(pypi.last).toMatchObject({ transfer: { transferred_files: 1 } });
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.log).toContain('0 packages to sync');
  });

  test('asks by XML-RPC just as well', async () => {
    await pypi.apply({ api_method: 'xmlrpc', simple_format: 'json' });
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toEqual([ALPHA1, ALPHA2, BETA]);
    expect(existsSync(join(pypi.dst, 'web/simple/alpha/index.html'))).toBe(false);
    pypi.upstream.release('gamma', '1.0');
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toContain(wheel('gamma', '1.0'));
  });

  test('filters by name, version, size and pattern', async () => {
    pypi.upstream.release('alpha', '3.0');
    pypi.upstream.release('large', '1.0', 3_000_000);
    pypi.upstream.release('gamma-nightly', '1.0');
    pypi.upstream.release('delta', '1.0');
    await pypi.apply({
      block: ['beta', 'alpha>=3'],
      block_projects: ['.+-nightly$', '100%'],
      max_project_size: '1M',
      prereleases: false,
    });
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toEqual([ALPHA1, wheel('delta', '1.0')]);
  });

  test('fetches a project that is allowed from now on, though nothing changed upstream', async () => {
    await pypi.apply({ allow: ['beta'] });
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toEqual([BETA]);
    await pypi.apply({ allow: ['beta', 'alpha<2'], workers: 2 });
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toEqual([ALPHA1, BETA]);
    await pypi.apply({ allow: ['beta', 'alpha<2'], workers: 5 });
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.log).toContain('0 packages to sync');
  });

  test('uses a file of the site as it is, and goes on where that mirror is', async () => {
    const conf = join(pypi.scratch, 'own.conf');
    const lines = [
      `directory = ${pypi.dst}`,
      `master = ${pypi.url}`,
      'allow-non-https = true',
      'timeout = 2',
    ];
    writeFileSync(conf, ['[mirror]', ...lines, ''].join('\n'));
    await expect(pypi.applyOwn(conf, { allow: ['beta'] })).rejects.toThrow('`allow` would not be used');
    await pypi.applyOwn(conf);
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toEqual([ALPHA1, ALPHA2, BETA]);
    await pypi.apply();
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.log).toContain('0 packages to sync');
  });

  test('deletes nothing by itself, and with `delete` what is listed no more, within the guard', async () => {
    const network = { network: { ca_file: pypi.cert } };
    for (let n = 0; n < 20; n += 1) pypi.upstream.release('gamma', `1.${String(n)}`);
    await pypi.apply({ json: true }, pypi.tlsUrl, network);
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toHaveLength(23);
    pypi.upstream.remove('alpha', '2.0rc1');
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toContain(ALPHA2);
    await pypi.apply({ json: true, delete: true }, pypi.tlsUrl, network);
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).not.toContain(ALPHA2);
    expect(pypi.mirrored()).toHaveLength(22);
    expect(pypi.last).toMatchObject({ transfer: { deleted: 1 } });
    await pypi.apply({ json: true, delete: true }, pypi.tlsUrl, { ...network, guard: { deletes: 5 } });
    for (let n = 0; n < 19; n += 1) pypi.upstream.remove('gamma', `1.${String(n)}`);
    expect(await pypi.run()).toMatchObject({ code: 77 });
    expect(pypi.last).toMatchObject({
      outcome: 'blocked',
      reason: expect.stringContaining('the delete guard: 19 would be deleted, at most 5 may be') as string,
    });
    expect(pypi.mirrored()).toHaveLength(22);
    expect(await pypi.run('--allow-deletes', '19')).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toEqual([ALPHA1, BETA, wheel('gamma', '1.19')]);
  });

  test('metadata that cannot be read takes no files with it', async () => {
    const network = { network: { ca_file: pypi.cert } };
    await pypi.apply({ json: true, delete: true }, pypi.tlsUrl, network);
    expect(await pypi.run()).toMatchObject({ code: 0 });
    writeFileSync(join(pypi.dst, 'web/json/beta'), '{');
    expect(await pypi.run()).toMatchObject({ code: 74 });
    expect(pypi.last.reason).toContain('Failed to load');
    expect(pypi.mirrored()).toContain(BETA);
  });

  test('asks the next source when one is gone, and deletes nothing by it', async () => {
    await pypi.apply({ json: true, delete: true }, ['https://127.0.0.1:1', pypi.url]);
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.log).toContain('Cannot connect to host 127.0.0.1:1');
    expect(pypi.mirrored()).toHaveLength(3);
    const job = readFileSync(join(pypi.site.root, 'etc/mirror/compiled/jobs', `${pypi.id}.json`), 'utf8');
    expect(job.match(/told_deletions/g)).toHaveLength(1);
  });

  test('goes through a proxy', async () => {
    const proxy = `http://127.0.0.1:${String(pypi.port)}`;
    await pypi.apply({}, 'http://nowhere.invalid', { network: { proxy } });
    // Links of the index lead to the host that was asked for: they go through the proxy, too.
    expect(await pypi.run()).toMatchObject({ code: 0 });
    expect(pypi.mirrored()).toEqual([ALPHA1, ALPHA2, BETA]);
  });

  test.each<[{ src?: string; options?: object; network?: object }, string]>([
    [{ src: 'rsync://pypi.org/' }, 'source-scheme'],
    [{ src: 'https://me:secret@pypi.org' }, 'login-unsupported'],
    [{ options: { delete: true } }, 'bandersnatch-options'],
    [{ options: { release_files: false } }, 'bandersnatch-options'],
    [{ options: { extra: { mirror: { directory: '/' } } } }, 'bandersnatch-options'],
    [{ options: { allow: ['a\nb'] } }, 'bad-value'],
    [{ options: { block_projects: ['# no'] } }, 'bad-value'],
    [{ network: { family: 'ipv6' } }, 'network-unsupported'],
  ])('refuses %j', async ({ src = pypi.url, options = {}, ...keys }, code) => {
    await expect(pypi.apply(options, src, keys)).rejects.toThrow(`error[${code}]`);
  });
});
