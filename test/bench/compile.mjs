// The compiler at 10,000 packages.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { standaloneValidators } from '../../schemas/standalone.mjs';
import { precompiledTemplates } from '../../templates/precompile.mjs';
import { alternate, figure, median, plainEnvironment, scratchDirectory } from './measure.mjs';

const RUNS = 9;

export async function bench(project) {
  const scratch = scratchDirectory();
  const pipeline = await bundle(project, scratch);
  const sizes = [1_000, 10_000].map((count) => ({ count, config: writeConfig(scratch, count, 'systemd') }));
  const [small, large] = sizes.map(({ config }) => inProcess(pipeline, config));
  console.log(
    `       for comparison: JSON.parse of the config of 10,000 packages ${parseTime(sizes[1].config).toFixed(0)} ms`,
  );
  figure('load + validate + normalize + compile 10,000 packages, in one process', large.seconds, 's', 0.8);
  figure('  peak memory of that process', large.peak, 'MiB', 400);
  figure('  growth from 1,000 to 10,000 packages', large.seconds / small.seconds, '×', 12);

  const program = join(project, 'dist/mirror.cjs');
  const { count, config } = sizes[1];
  const root = join(scratch, 'systemd-10000');
  mirror(program, ['apply', '-c', config, '--root', root]);
  const reader = join(scratch, 'read.mjs');
  writeFileSync(reader, READER);
  const { plan, bare } = alternate(
    {
      plan: { argv: [process.execPath, program, 'plan', '-c', config, '--root', root] },
      bare: { argv: [process.execPath, reader, config, join(root, 'etc')] },
    },
    RUNS,
  );
  console.log(
    `       plan ${plan.wall.toFixed(0)} ms; a program that only reads the same files ${bare.wall.toFixed(0)} ms (${count} packages)`,
  );
  figure(
    'mirror plan with nothing to change, over a program that reads the same files',
    plan.wall / bare.wall,
    '×',
    5,
  );

  const cron = writeConfig(scratch, 10_000, 'crontab');
  const cronRoot = join(scratch, 'crontab-10000');
  mirror(program, ['apply', '-c', cron, '--root', cronRoot]);
  // Another executable changes every line.
  const changed = writeConfig(scratch, 10_000, 'crontab', '/usr/local/bin/mirror');
  const rewrite = alternate(
    { plan: { argv: [process.execPath, program, 'plan', '-c', changed, '--root', cronRoot] } },
    RUNS,
  );
  figure('mirror plan that rewrites every line of a 10,000-line crontab', rewrite.plan.wall / 1000, 's', 3);
}

/** Reads and touches every byte of the config and of everything apply wrote. */
const READER = `import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
let bytes = readFileSync(process.argv[2]).length;
const walk = (directory) => {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = directory + '/' + entry.name;
    if (entry.isDirectory()) walk(path);
    else if (entry.isSymbolicLink()) bytes += readlinkSync(path).length;
    else bytes += readFileSync(path).length;
  }
};
walk(process.argv[3]);
`;

function inProcess(pipeline, config) {
  const runs = Array.from({ length: RUNS }, () => {
    const result = spawnSync(process.execPath, [pipeline, config], {
      env: plainEnvironment(),
      encoding: 'utf8',
    });
    if (result.status !== 0) throw new Error(result.stderr);
    return JSON.parse(result.stdout);
  });
  return { seconds: median(runs.map((run) => run.seconds)), peak: median(runs.map((run) => run.peak)) };
}

/** How fast this machine is just now, in milliseconds. */
function parseTime(config) {
  const text = readFileSync(config, 'utf8');
  return median(
    Array.from({ length: RUNS }, () => {
      const start = performance.now();
      JSON.parse(text);
      return performance.now() - start;
    }),
  );
}

/** The stages as one program, timed from the first read to the last artifact, cold (a process compiles once). */
async function bundle(project, scratch) {
  const out = join(scratch, 'pipeline.mjs');
  await build({
    stdin: {
      resolveDir: project,
      contents: `
        import './src/jit.ts';
        import { diskReader, readSite } from './src/config/index.ts';
        import { compile } from './src/compile/index.ts';
        import { layout } from './src/job/layout.ts';
        const start = performance.now();
        const { site, diagnostics } = readSite(diskReader(), process.argv[2], { node: 'bench' });
        if (!site) throw new Error(JSON.stringify(diagnostics.slice(0, 3)));
        const { artifacts } = compile(site, { layout: layout(''), executable: '/usr/bin/mirror', nameServers: [] });
        // A file's text is made when it is read.
        let bytes = 0;
        for (const artifact of artifacts) if (artifact.kind === 'file') bytes += artifact.content.length;
        const seconds = (performance.now() - start) / 1000;
        console.log(JSON.stringify({ seconds, artifacts: artifacts.length, bytes, peak: process.resourceUsage().maxRSS / 1024 }));
      `,
    },
    bundle: true,
    plugins: [standaloneValidators, precompiledTemplates],
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: {
      js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
    },
    outfile: out,
  });
  return out;
}

function mirror(program, args) {
  const result = spawnSync(process.execPath, [program, ...args], {
    env: plainEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (result.status !== 0)
    throw new Error(`mirror ${args.join(' ')}: exit ${result.status}\n${result.stderr.slice(0, 2000)}`);
}

function writeConfig(scratch, count, scheduler, executable = '/usr/bin/mirror') {
  const root = join(scratch, `${scheduler}-${count}`);
  for (const directory of ['srv', 'www', 'log', 'stat'])
    mkdirSync(join(root, directory), { recursive: true });
  const rates = ['PT1H', 'PT6H', 'PT7H', 'P1D', 'PT10M', 'PT5H'];
  const packages = {};
  for (let i = 0; i < count; i++) {
    const id = `package-${i}`;
    packages[id] = {
      name: `Package number ${i}`,
      id,
      href: `/${id}`,
      synctype: 'rsync',
      syncrate: rates[i % rates.length],
      link: [{ rel: 'HOME', href: `https://www${i}.example.org/` }],
      settings: {
        hidden: false,
        src: `rsync://rsync${i % 500}.example.org/${id}`,
        dst: `${root}/srv/${id}`,
        options: i % 3 === 0 ? { ffts: true, fftsfile: 'lastupdate', exclude: ['*.iso', 'debug/'] } : {},
      },
    };
  }
  const path = join(scratch, `${scheduler}-${count}-${executable.length}.json`);
  const settings = {
    scheduler,
    executable,
    logfolder: `${root}/log`,
    webroot: `${root}/www`,
    statusfile: `${root}/www/status.json`,
    statfile: `${root}/stat/stat.json`,
    uid: 'mirror',
    gid: 'mirror',
    localtimezone: 'Asia/Seoul',
    logger: {
      packagefileformat: {
        base: `${root}/log/packages`,
        folder: '{year}/{month}/{day}',
        filename: '{hour}:{minute}:{second}.{microsecond}.{packageid}.log',
        gzip: true,
      },
    },
  };
  writeFileSync(
    path,
    JSON.stringify({ mirrorname: 'Bench', hostname: 'mirror.example.edu', settings, packages }, null, 2),
  );
  return path;
}
