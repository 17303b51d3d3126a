// The executor against the very rsync that it runs: an up-to-date tree of 200 files, no gzip, no limits.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, figure, freePort, peak, plainEnvironment, scratchDirectory } from './measure.mjs';

export async function bench(project) {
  const scratch = scratchDirectory();
  const program = join(project, 'dist/mirror.cjs');
  const port = await freePort();
  const daemon = startUpstream(scratch, port);
  try {
    await sleep(300);
    const root = join(scratch, 'root');
    const config = writeConfig(scratch, root, port);
    const mirror = (...args) => {
      const result = spawnSync(process.execPath, [program, ...args, '--root', root], {
        env: plainEnvironment(),
        encoding: 'utf8',
      });
      if (result.status !== 0)
        throw new Error(`mirror ${args.join(' ')}: exit ${result.status}\n${result.stderr}`);
    };
    mirror('apply', '-c', config);
    mirror('run', 'small');
    const job = JSON.parse(readFileSync(join(root, 'etc/mirror/compiled/jobs/small.json'), 'utf8'));
    const exec = job.attempts[0].steps.find((step) => step.kind === 'exec');
    const argv = exec.argv.toSpliced(exec.delete_limit.at, 0, `${exec.delete_limit.flag}100`);
    const executor = [process.execPath, program, 'run', '--root', root, 'small'];
    const node = [process.execPath, '-e', '0'];
    const commands = { bare: { argv, cwd: job.dst }, run: { argv: executor }, empty: { argv: node } };
    const { bare, run, empty } = alternate(commands, 21);
    console.log(
      `       rsync alone ${bare.wall.toFixed(0)} ms wall, ${bare.cpu.toFixed(0)} ms CPU; mirror run ${run.wall.toFixed(0)} ms wall, ${run.cpu.toFixed(0)} ms CPU; node -e 0 ${empty.wall.toFixed(0)} ms wall, ${empty.cpu.toFixed(0)} ms CPU`,
    );
    figure('mirror run over the same rsync alone, wall', run.wall - bare.wall, 'ms', 45);
    figure('mirror run over the same rsync alone, CPU', run.cpu - bare.cpu, 'ms', 45);
    console.log(`       that CPU is ${((run.cpu - bare.cpu) / empty.cpu).toFixed(1)} × node -e 0`);
    figure('peak of the executor', peak(executor, scratch), 'MiB', 46);
    figure('executor bundle', statSync(join(project, 'dist/run.cjs')).size / 1000, 'kB', 60);
  } finally {
    daemon.kill('SIGTERM');
  }
}

function startUpstream(scratch, port) {
  const tree = join(scratch, 'upstream');
  for (let i = 0; i < 200; i++) {
    const directory = join(tree, String(i % 10));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file-${i}`), `${i}\n`.repeat(200));
  }
  const conf = join(scratch, 'rsyncd.conf');
  writeFileSync(conf, `use chroot = no\nlog file = /dev/null\n[small]\n  path = ${tree}\n`);
  const args = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${conf}`];
  return spawn('rsync', args, { stdio: 'ignore' });
}

function writeConfig(scratch, root, port) {
  for (const directory of ['srv', 'www', 'log', 'stat'])
    mkdirSync(join(root, directory), { recursive: true });
  const config = join(scratch, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      mirrorname: 'Bench',
      hostname: 'mirror.example.edu',
      settings: {
        logfolder: `${root}/log`,
        webroot: `${root}/www`,
        statusfile: `${root}/www/status.json`,
        statfile: `${root}/stat/stat.json`,
        uid: 'mirror',
        gid: 'mirror',
        localtimezone: 'UTC',
        limits: { concurrent: 0, per_upstream: 0 },
        logger: {
          packagefileformat: {
            base: `${root}/log/packages`,
            folder: '{year}/{month}/{day}',
            filename: '{hour}:{minute}:{second}.{microsecond}.{packageid}.log',
            gzip: false,
          },
        },
      },
      packages: {
        small: {
          name: 'Small',
          id: 'small',
          href: '/small',
          synctype: 'rsync',
          syncrate: 'PT6H',
          link: [],
          settings: {
            hidden: false,
            src: `rsync://127.0.0.1:${port}/small`,
            dst: `${root}/srv/small`,
            options: {},
          },
        },
      },
    }),
  );
  return config;
}
