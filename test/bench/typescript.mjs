// What the benches share with the tests is TypeScript, which this Node does not read by itself.
import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { scratchDirectory } from './measure.mjs';

/** The module in a file of the tests, `bed/bed.ts` for one. */
export async function typescript(path) {
  const file = join(import.meta.dirname, '..', path);
  const out = join(scratchDirectory(), `${basename(path, '.ts')}.mjs`);
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    define: { 'import.meta.dirname': JSON.stringify(dirname(file)) },
  });
  writeFileSync(out, outputFiles[0].contents);
  return import(pathToFileURL(out).href);
}
