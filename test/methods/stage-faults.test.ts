import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { proxy, put, rsyncd, serveUpstream, site, throughProxy, upstream } from './rsync-upstream.js';

const RELEASE = 'dists/stable/Release';

serveUpstream({ archive: {}, closed: { 'auth users': 'ada', 'secrets file': 'SECRETS' } }, { ada: 'right' });

/** An upstream that publishes this version of its only package, besides `more` others that are always the same. */
function publish(version: number, more = 0): void {
  rmSync(join(upstream, 'pool'), { recursive: true, force: true });
  put(`pool/p_${String(version)}.deb`, randomBytes(150_000).toString('hex'));
  for (let n = 0; n < more; n++) put(`pool/other_${String(n)}.deb`, 'y');
  put('dists/stable/main/Packages', `pool/p_${String(version)}.deb`);
  put(RELEASE, `Date: ${new Date(Date.UTC(2026, 0, version)).toUTCString()}\nVersion: ${String(version)}\n`);
}

/** The version that a mirror's index names, when its package is there. */
function mirrored(id = 'debian'): number | string {
  const read = (file: string): string => readFileSync(join(site.dst(id), file), 'utf8');
  const [, version = 'none'] = /^Version: (\d+)$/m.exec(read(RELEASE)) ?? [];
  const file = read('dists/stable/main/Packages');
  if (file !== `pool/p_${version}.deb`) return `Release of ${version}, Packages of ${file}`;
  return existsSync(join(site.dst(id), file)) ? Number(version) : `${file} is missing`;
}

async function applyStaged(src: string, options: object = {}, more: object = {}): Promise<void> {
  const all = { stage_set: 'debian', timeout: 5, contimeout: 5, ...options };
  await site.apply({ debian: { synctype: 'rsync', ...more, settings: { src, options: all } } });
}

describe('a sync in stages', () => {
  test('holds back what Debian’s links in dists lead to until all is published', async () => {
    const inRelease = 'dists/trixie/InRelease';
    const release = (version: number): void => {
      put('zzz-dists/trixie/InRelease', `version ${String(version)}`);
      put('dists/trixie/main/Packages', `version ${String(version)}`);
      put(`pool/${String(version)}.deb`, randomBytes(150_000).toString('hex'));
    };
    publish(1);
    release(1);
    symlinkSync('../../zzz-dists/trixie/InRelease', join(upstream, inRelease));
    try {
      await applyStaged(throughProxy('archive'));
      expect(await site.run('debian')).toMatchObject({ code: 0 });
      release(2);
      proxy.set({ after: 100_000, then: 'cut' });
      expect(await site.run('debian')).toMatchObject({ code: 69 });
      const versions = (): string[] =>
        [inRelease, 'dists/trixie/main/Packages'].map((file) =>
          readFileSync(join(site.dst('debian'), file), 'utf8'),
        );
      expect(versions()).toEqual(['version 1', 'version 1']);
      proxy.set(null);
      expect(await site.run('debian')).toMatchObject({ code: 0 });
      expect(versions()).toEqual(['version 2', 'version 2']);
    } finally {
      for (const name of ['zzz-dists', 'dists/trixie']) rmSync(join(upstream, name), { recursive: true });
    }
  });

  test('publishes nothing when the packages do not come through', async () => {
    publish(1);
    await applyStaged(throughProxy('archive'));
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    publish(2);
    proxy.set({ after: 100_000, then: 'cut' });
    expect(await site.run('debian')).toMatchObject({ code: 69 });
    expect(site.state('debian').last).toMatchObject({ outcome: 'failed', failure: 'unavailable' });
    expect(mirrored()).toBe(1);
    expect(existsSync(join(site.dst('debian'), '.~tmp~/index'))).toBe(false);

    proxy.set({ after: 0, then: 'hang' });
    expect(await site.run('debian')).toMatchObject({ code: 69 });
    expect(mirrored()).toBe(1);

    proxy.set(null);
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(mirrored()).toBe(2);
    expect(existsSync(join(site.dst('debian'), 'pool/p_1.deb'))).toBe(false);
    expect(site.state('debian').last?.transfer).toMatchObject({ transferred_files: 3, deleted: 1 });
  });

  test('publishes nothing of an upstream that goes backwards', async () => {
    publish(9);
    const freshness = { file: RELEASE, format: 'release' };
    await applyStaged(rsyncd.url('archive'), {}, { freshness });
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    publish(8);
    expect(await site.run('debian')).toMatchObject({ code: 69 });
    expect(site.state('debian').last?.reason).toContain('upstream went backwards');
    expect(mirrored()).toBe(9);
    publish(10);
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(mirrored()).toBe(10);
  });

  test('goes on where upstream has no time marker', async () => {
    publish(1);
    await applyStaged(rsyncd.url('archive'), {}, { freshness: { file: 'trace', format: 'date' } });
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(site.log('debian')).toContain('how fresh upstream is cannot be told');
    expect(mirrored()).toBe(1);
  });

  test('publishes nothing of an upstream that never stands still, and says so', async () => {
    publish(1);
    await applyStaged(rsyncd.url('archive'));
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    publish(2);
    const changing = setInterval(() => put('dists/stable/ChangeLog', randomBytes(8)), 20);
    const { code } = await site.run('debian');
    clearInterval(changing);
    expect(code).toBe(69);
    expect(site.state('debian').last?.reason).toBe('upstream changed in each of 5 rounds while it was read');
    expect(mirrored()).toBe(1);
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(mirrored()).toBe(2);
  });

  test('deletes last, no more than the guard allows, and what it published stays whole', async () => {
    publish(1, 30);
    await applyStaged(rsyncd.url('archive'));
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    publish(2);
    expect(await site.run('debian')).toMatchObject({ code: 77 });
    expect(site.state('debian').last).toMatchObject({ outcome: 'blocked' });
    expect(mirrored()).toBe(2);
    expect(await site.run('debian', '--allow-deletes', '40')).toMatchObject({ code: 0 });
    expect(existsSync(join(site.dst('debian'), 'pool/other_1.deb'))).toBe(false);
  });

  test('gives the password to every call, and does not run where it is wrong', async () => {
    publish(1);
    const src = rsyncd.url('closed');
    await applyStaged(src, { user: 'ada', password: 'right' });
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(mirrored()).toBe(1);
    publish(2);
    await applyStaged(src, { user: 'ada', password: 'wrong' });
    expect(await site.run('debian')).toMatchObject({ code: 77 });
    expect(site.state('debian').last).toMatchObject({ failure: 'auth' });
    expect(site.log('debian')).not.toContain('wrong');
  });

  test('asks the marker first, and installs it when all the stages are over', async () => {
    publish(1);
    put('lastupdate', '1');
    await applyStaged(throughProxy('archive'), {}, { precheck: { file: 'lastupdate' } });
    const marker = join(site.dst('debian'), 'lastupdate');
    proxy.set({ after: 100_000, then: 'cut' });
    expect(await site.run('debian')).toMatchObject({ code: 69 });
    expect(existsSync(marker)).toBe(false);
    proxy.set(null);
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(readFileSync(marker, 'utf8')).toBe('1');
    publish(2);
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(site.state('debian').last?.outcome).toBe('unchanged');
    expect(mirrored()).toBe(1);
    put('lastupdate', '2');
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(mirrored()).toBe(2);
  });

  test('takes a set of the site’s own, and publishes through no link in dst', async () => {
    publish(1);
    put('meta/list', 'one');
    await applyStaged(rsyncd.url('archive'), { stage_set: { index: ['/meta/', 'Release'], last: ['list'] } });
    const elsewhere = join(site.root, 'elsewhere');
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(site.dst('debian'), 'meta'));
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(readFileSync(join(site.dst('debian'), 'meta/list'), 'utf8')).toBe('one');
    expect(existsSync(join(elsewhere, 'list'))).toBe(false);
    expect(mirrored()).toBe(1);
    rmSync(join(upstream, 'meta'), { recursive: true });
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(existsSync(join(site.dst('debian'), 'meta'))).toBe(false);
  });
});

describe('ubuntu', () => {
  test('leaves a trace of each sync that went well, which no deletion takes away', async () => {
    publish(1);
    const settings = { src: throughProxy('archive'), options: { timeout: 5, contimeout: 5 } };
    await site.apply({ ubuntu: { synctype: 'ubuntu', settings } });
    expect(await site.run('ubuntu')).toMatchObject({ code: 0 });
    const trace = join(site.dst('ubuntu'), 'project/trace/mirror.test');
    const date = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}\n$/;
    expect(readFileSync(trace, 'utf8')).toMatch(date);
    expect(mirrored('ubuntu')).toBe(1);

    writeFileSync(trace, 'as it was');
    publish(2);
    proxy.set({ after: 100_000, then: 'cut' });
    expect(await site.run('ubuntu')).toMatchObject({ code: 69 });
    expect(readFileSync(trace, 'utf8')).toBe('as it was');
    expect(mirrored('ubuntu')).toBe(1);
    proxy.set(null);
    expect(await site.run('ubuntu')).toMatchObject({ code: 0 });
    expect(readFileSync(trace, 'utf8')).toMatch(date);
    expect(mirrored('ubuntu')).toBe(2);
  });

  test.each(['../up', '/etc', 'a/../../b', 'a b', '.'])(
    'refuses the trace directory %s',
    async (trace_path) => {
      const settings = { src: rsyncd.url('archive'), options: { trace_path } };
      await expect(site.apply({ ubuntu: { synctype: 'ubuntu', settings } })).rejects.toThrow('trace-path');
    },
  );
});
