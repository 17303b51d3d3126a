// `npm run bench`: the figures the project promises, as ratios or differences within one run; medians of at least 9.
// Prints only; never a test, because machines are noisy. `npm run bench -- run` runs one part: run, methods, compile, state, live.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = join(dirname(fileURLToPath(import.meta.url)), '../..');
execFileSync(
  process.execPath,
  [join(project, 'test/support/prepare.mjs'), 'rsync', 'flock=util-linux', 'bash'],
  { stdio: 'inherit' },
);
execFileSync('npm', ['run', '--silent', 'build'], { cwd: project, stdio: 'inherit' });

const { missedFigures } = await import('./measure.mjs');
const parts = process.argv.slice(2);
for (const part of parts.length > 0 ? parts : ['run', 'methods', 'compile', 'state', 'live']) {
  console.log(`\n${part}`);
  const { bench } = await import(`./${part}.mjs`);
  await bench(project);
}
console.log(`\n${missedFigures() === 0 ? 'every figure is met' : `${missedFigures()} figures missed`}`);
