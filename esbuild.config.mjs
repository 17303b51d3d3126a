// Builds dist/ (or --outdir=DIR): the dispatcher, the executor, `mirror publish` and the control server (CommonJS, built-ins
// only: they start fastest), the command line (ES modules, split so that each command loads only what it needs) and the
// typed client.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import ts from 'typescript';
import { standaloneValidators } from './schemas/standalone.mjs';
import { precompiledTemplates } from './templates/precompile.mjs';

const { outdir: target } = parseArgs({ options: { outdir: { type: 'string', default: 'dist' } } }).values;
// Built beside its place and put there at the end: what runs meanwhile finds a whole program.
const outdir = `${target}.${String(process.pid)}`;
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minify: true,
  logLevel: 'warning',
};

/** What the executor loads only when a job needs it (src/run/special): a bundle beside it. */
const special = {
  name: 'special',
  setup: (plugin) =>
    plugin.onResolve({ filter: /^\.\.?\/special\/index\.js$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './special.cjs', external: true } : undefined,
    ),
};

const commonjs = { ...common, outdir, outExtension: { '.js': '.cjs' }, format: 'cjs' };
await build({
  ...commonjs,
  entryPoints: { mirror: 'src/main.ts', precompile: 'src/precompile.ts' },
  external: ['./cli.mjs'],
});
await build({
  ...commonjs,
  entryPoints: {
    run: 'src/run/main.ts',
    special: 'src/run/special/index.ts',
    publish: 'src/run/publish-main.ts',
    control: 'src/control/main.ts',
  },
  plugins: [special],
  // `require` instead: it does not wake Node's loader for ES modules, and a precompiled bundle has no other.
  supported: { 'dynamic-import': false },
});
await build({
  ...common,
  entryPoints: { cli: 'src/cli.ts', 'state-half': 'src/apply/state-half-main.ts' },
  plugins: [standaloneValidators, precompiledTemplates],
  outdir,
  outExtension: { '.js': '.mjs' },
  format: 'esm',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  mainFields: ['module', 'main'],
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
  },
});
await build({
  ...common,
  entryPoints: { client: 'src/control/client.ts' },
  outdir: `${outdir}/client`,
  format: 'esm',
  minify: false,
});
for (const name of ['client', 'protocol']) {
  const source = readFileSync(`src/control/${name}.ts`, 'utf8');
  const { outputText } = ts.transpileDeclaration(source, {
    fileName: `${name}.ts`,
    compilerOptions: { strict: true },
  });
  mkdirSync(`${outdir}/client`, { recursive: true });
  writeFileSync(`${outdir}/client/${name}.d.ts`, outputText);
}
// The entry is a shell script as well, for PID 1 of a container; see src/main.sh. A line of `//` ends its last document.
const entry = `${outdir}/mirror.cjs`;
const javascript = readFileSync(entry, 'utf8');
writeFileSync(entry, `${readFileSync('src/main.sh', 'utf8')}${javascript}//\n`);
chmodSync(entry, 0o755);
execFileSync(process.execPath, [`${outdir}/precompile.cjs`], { stdio: 'inherit' });

const old = `${outdir}.old`;
if (existsSync(target)) renameSync(target, old);
renameSync(outdir, target);
rmSync(old, { recursive: true, force: true });
