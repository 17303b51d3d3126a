// Builds dist/: the dispatcher and the executor (CommonJS, built-ins only: they start fastest) and the command line
// (ES modules, split so that each command loads only what it needs).
import { chmodSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minify: true,
  keepNames: true,
  logLevel: 'warning',
  loader: { '.hbs': 'text' },
};

await build({
  ...common,
  entryPoints: { mirror: 'src/main.ts', run: 'src/run/main.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  external: ['./run.cjs', './cli.mjs'],
  keepNames: false,
  banner: { js: '#!/usr/bin/env node' },
});
await build({
  ...common,
  entryPoints: { cli: 'src/cli.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  format: 'esm',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  mainFields: ['module', 'main'],
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
  },
});
chmodSync('dist/mirror.cjs', 0o755);
