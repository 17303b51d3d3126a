import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as Config from '../../src/config/index.js';
import { standaloneValidators } from '../../schemas/standalone.mjs';
import { readDirectory, siteReader } from './read.js';

const root = join(import.meta.dirname, 'golden');

describe('the validators that the build makes', () => {
  let directory: string;
  let built: typeof Config;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mirror-standalone-'));
    const outfile = join(directory, 'config.mjs');
    const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    await build({
      entryPoints: [join(import.meta.dirname, '../../src/config/index.ts')],
      plugins: [standaloneValidators],
      bundle: true,
      platform: 'node',
      format: 'esm',
      mainFields: ['module', 'main'],
      banner: { js },
      outfile,
    });
    built = (await import(outfile)) as typeof Config;
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test.each(readdirSync(root))('say the same of %s', (name) => {
    const said = built.readSite(siteReader(`${root}/${name}`), '/site/config.json', { node: 'node1' });
    expect(said.diagnostics).toEqual(readDirectory(`${root}/${name}`).diagnostics);
  });
});
