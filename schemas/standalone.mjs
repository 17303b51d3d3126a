// For esbuild: src/config/validators.ts as ready-made code, which is what ajv would compile at every start.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

export const standaloneValidators = {
  name: 'standalone validators',
  setup: (plugin) =>
    plugin.onLoad({ filter: /\/src\/config\/validators\.ts$/ }, async () => ({
      contents: await validators(),
      resolveDir: root,
      loader: 'js',
    })),
};

async function validators() {
  const { outputFiles } = await build({
    entryPoints: [`${root}src/config/ajv.ts`],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['ajv'],
    write: false,
  });
  const module = { exports: {} };
  new Function('require', 'module', outputFiles[0].text)(createRequire(import.meta.url), module);
  const ajv = module.exports.knownSchemas();
  ajv.opts.code.esm = true;
  return standaloneCode.default(ajv, { site: 'site.schema.json', pkg: 'package.schema.json' });
}
