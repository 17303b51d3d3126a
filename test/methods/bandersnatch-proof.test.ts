import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { filesInHtml, filesInJson } from '../../src/run/special/proof/simple.js';
import { BANDERSNATCH } from '../support/pypi.js';
import { startPythonServer } from '../support/python-server.js';
import { PypiSite, wheel } from './pypi.js';

/** Where `prepare.mjs` puts each version. */
const VERSIONS = [BANDERSNATCH, `${BANDERSNATCH}-7`, `${BANDERSNATCH}-8`];

for (const venv of VERSIONS) {
  const program = join(venv, 'bin/bandersnatch');
  const without = existsSync(program) ? '' : ' (skipped: not installed)';
  const name = venv.slice(venv.lastIndexOf('/') + 1);

  describe.skipIf(without !== '')(`${name}${without}`, () => {
    const pypi = new PypiSite();
    beforeEach(() => pypi.begin());
    afterAll(() => pypi.end());

    /** Downloads a project from the mirror with pip. */
    async function download(project: string): Promise<string[]> {
      const web = await startPythonServer('indexd.py', [join(pypi.dst, 'web')]);
      const to = join(pypi.scratch, `${pypi.id}-downloads`);
      rmSync(to, { recursive: true, force: true });
      try {
        const index = `http://127.0.0.1:${String(web.port)}/simple/`;
        const words = ['download', '-q', '--isolated', '--no-deps', '--no-cache-dir', '--index-url', index];
        execFileSync(join(BANDERSNATCH, 'bin/pip'), [...words, '-d', to, project], {
          env: { PATH: process.env.PATH, PIP_CONFIG_FILE: '/dev/null' },
          stdio: 'pipe',
        });
        return readdirSync(to);
      } finally {
        await web.stop();
      }
    }

    function fileOf(release: string): string {
      const packages = join(pypi.dst, 'web/packages');
      const found = readdirSync(packages, { recursive: true, encoding: 'utf8' });
      return join(packages, found.find((path) => path.endsWith(release)) ?? '');
    }

    test('a file that a page names and that is lost or cut short ends the run, and the next one fetches it', async () => {
      await pypi.apply({ program });
      expect(await pypi.run()).toMatchObject({ code: 0 });
      for (const damage of [(path: string) => rmSync(path), (path: string) => truncateSync(path, 3)]) {
        damage(fileOf(wheel('alpha', '1.0')));
        await expect(download('alpha==1.0')).rejects.toThrow();
        expect(await pypi.run()).toMatchObject({ code: 69 });
        expect(pypi.last).toMatchObject({ outcome: 'failed', failure: 'transfer' });
        expect(pypi.last.reason).toMatch(
          /^1 files that the pages of projects name are not there, such as packages\//,
        );
        expect(await pypi.run()).toMatchObject({ code: 0 });
        expect(await download('alpha==1.0')).toEqual([wheel('alpha', '1.0')]);
      }
      pypi.upstream.release('gamma', '1.0');
      expect(await pypi.run()).toMatchObject({ code: 0 });
      expect(await download('gamma')).toContain(wheel('gamma', '1.0'));
    });

    test('deletes what is listed no more, within the guard, and nothing before the proof', async () => {
      const options = { program, json: true, delete: true };
      const keys = { network: { ca_file: pypi.cert }, guard: { deletes: 1 } };
      pypi.upstream.release('alpha', '3.0');
      await pypi.apply(options, pypi.tlsUrl, keys);
      expect(await pypi.run()).toMatchObject({ code: 0 });
      pypi.upstream.remove('alpha', '1.0');
      rmSync(fileOf(wheel('beta', '1.0')));
      expect(await pypi.run()).toMatchObject({ code: 69 });
      expect(pypi.mirrored()).toContain(wheel('alpha', '1.0'));
      expect(await pypi.run()).toMatchObject({ code: 0 });
      expect(pypi.last).toMatchObject({ transfer: { deleted: 1 } });
      expect(pypi.mirrored()).toEqual([
        wheel('alpha', '2.0rc1'),
        wheel('alpha', '3.0'),
        wheel('beta', '1.0'),
      ]);
      pypi.upstream.remove('alpha', '2.0rc1');
      pypi.upstream.release('alpha', '4.0');
      pypi.upstream.remove('alpha', '3.0');
      expect(await pypi.run()).toMatchObject({ code: 77 });
      expect(pypi.last).toMatchObject({ outcome: 'blocked' });
      expect(pypi.mirrored()).toHaveLength(4);
      expect(await download('beta')).toContain(wheel('beta', '1.0'));
    });
  });
}

describe('what a page names', () => {
  test('files of the mirror, with the metadata beside them', () => {
    const html = [
      '<a href="../../packages/aa/b%2Bc-1.whl#sha256=0" data-core-metadata="sha256=1" >b+c</a><br/>',
      '<a href="https://files.example.org/packages/aa/d.whl#sha256=0">elsewhere</a>',
      '<a href="../../../etc/passwd">out</a>',
      '<a href="../../packages/aa/e&amp;f.zip">e&amp;f</a>',
    ].join('\n');
    const paths = (root: string | null): string[] =>
      filesInHtml(html, 'simple/b-c/index.html', root).map(({ path }) => path);
    expect(paths(null)).toEqual([
      'packages/aa/b+c-1.whl',
      'packages/aa/b+c-1.whl.metadata',
      'packages/aa/e&f.zip',
    ]);
    expect(paths('https://files.example.org/')).toContain('packages/aa/d.whl');
  });

  test('with their sizes in JSON', () => {
    const files = [
      { url: '../../packages/aa/a.whl', size: 3, 'core-metadata': { sha256: '0' } },
      { url: '../../packages/aa/b.whl', 'core-metadata': false },
    ];
    expect(filesInJson(JSON.stringify({ files }), 'simple/a/index.v1_json', null)).toEqual([
      { path: 'packages/aa/a.whl', size: 3 },
      { path: 'packages/aa/a.whl.metadata', size: null },
      { path: 'packages/aa/b.whl', size: null },
    ]);
  });
});
