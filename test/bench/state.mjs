// What one run costs in state: its own file and the dirty marker, whatever the number of packages.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { figure, median, plainEnvironment, scratchDirectory } from './measure.mjs';

export async function bench(project) {
  const scratch = scratchDirectory();
  const program = join(scratch, 'state.mjs');
  await build({
    stdin: {
      resolveDir: project,
      contents: `
        import { layout, STATE_DIRECTORIES } from './src/job/layout.ts';
        import { emptyState } from './src/state/package-state.ts';
        import { writeState } from './src/state/store.ts';
        import { markDirty, publish } from './src/state/publish.ts';
        import { mkdirSync, writeFileSync } from 'node:fs';
        const [, , mode, root, count] = process.argv;
        const paths = layout(root);
        if (mode === 'prepare') {
          for (const name of STATE_DIRECTORIES) mkdirSync(paths.state + '/' + name, { recursive: true });
          for (let i = 0; i < Number(count); i++) writeState(paths, emptyState('package-' + i));
        } else if (mode === 'update') {
          const samples = [];
          for (let i = 0; i < 2000; i++) {
            const state = { ...emptyState('package-' + (i % Number(count))), changed: i };
            const start = performance.now();
            writeState(paths, state);
            markDirty(paths);
            samples.push(performance.now() - start);
          }
          console.log(samples.sort((a, b) => a - b)[1000]);
        } else {
          const published = [];
          writeState(paths, { ...emptyState('package-' + count), changed: Date.now() });
          markDirty(paths);
          publish(paths, Date.now());
        }
      `,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: program,
  });
  const node = (...args) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...args], {
        env: plainEnvironment(),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let out = '';
      child.stdout.on('data', (data) => (out += data));
      child.on('exit', (code) => (code === 0 ? resolve(out) : reject(new Error(`exit ${code}`))));
    });
  const roots = {};
  for (const count of [10, 5000]) {
    roots[count] = join(scratch, String(count));
    await node('prepare', roots[count], String(count));
    writeSite(roots[count], count);
  }
  const samples = { 10: [], 5000: [] };
  for (let i = 0; i < 9; i++) {
    for (const count of [10, 5000])
      samples[count].push(Number(await node('update', roots[count], String(count))));
  }
  console.log(
    `       one update: ${median(samples[10]).toFixed(3)} ms with 10 packages, ${median(samples[5000]).toFixed(3)} ms with 5,000`,
  );
  figure(
    "a run's own state update with 5,000 packages, over that with 10",
    median(samples[5000]) / median(samples[10]),
    '×',
    1.5,
  );

  const start = performance.now();
  await Promise.all(Array.from({ length: 64 }, (_, i) => node('end', roots[5000], String(i))));
  const seconds = (performance.now() - start) / 1000;
  const status = JSON.parse(readFileSync(join(roots[5000], 'www/status.json'), 'utf8'));
  console.log(
    `       64 runs ending at once with 5,000 packages: published in ${seconds.toFixed(2)} s all told, ${status.lists.length} packages in status.json`,
  );
}

function writeSite(root, count) {
  const path = join(root, 'etc/mirror/compiled/site.json');
  mkdirSync(dirname(path), { recursive: true });
  mkdirSync(join(root, 'www'), { recursive: true });
  const packages = Array.from({ length: count }, (_, i) => ({
    id: `package-${i}`,
    name: `Package ${i}`,
    href: `/package-${i}`,
    synctype: 'rsync',
    syncrate: 'PT6H',
    link: [],
    hidden: false,
    disabled: false,
    src: 'rsync://example.org/x',
    dst: `/srv/package-${i}`,
    options: {},
    stale_after: 86400,
  }));
  writeFileSync(
    path,
    JSON.stringify({
      format: 'mirror/site/1',
      mirrorname: 'Bench',
      hostname: 'mirror.example.edu',
      node: 'bench',
      timezone: 'UTC',
      statusfile: `${root}/www/status.json`,
      statfile: `${root}/www/stat.json`,
      run_as: { user: 0, group: 0 },
      packages,
    }),
  );
}
