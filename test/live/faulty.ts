import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer, Bed } from '../bed/bed.js';
import { MIRROR, type LiveSite } from '../bed/site.js';

/**
 * Loaded into `mirror`. Every call that changes the file system is a step, numbered from 1; a list of them goes to
 * /run/steps. At step N the disk is full (FAULT=fail:N) or the process is killed (FAULT=kill:N), in either case once half
 * of what is to be written is written; with FAULT=fail:N,kill:M it dies while it takes back what it did. What mirror
 * starts is left in peace.
 */
const BAD_DISK = `
const fs = require('node:fs');
const faults = new Map(process.env.FAULT.split(',').map((fault) => fault.split(':').reverse()));
delete process.env.NODE_OPTIONS;
const steps = [];
const report = fs.openSync('/run/steps', 'w');
const { openSync, closeSync, writeSync } = fs;
const temporary = new Map();
const named = (path) => /^[/]proc[/]self[/]fd[/][0-9]+$/.test(path) ? fs.readlinkSync(path) : String(path);
// Temporary names are others each time.
const shown = (path) => named(path).replace(/^.*[/]/, '').replace(/[.][0-9a-f]{12}[.]tmp$/, '.tmp');
const step = (name, path, half = () => undefined) => {
  steps.push({ name, path: shown(path) });
  const fault = faults.get(String(steps.length));
  if (fault !== undefined) half();
  if (fault === 'kill') process.kill(process.pid, 'SIGKILL');
  if (fault === 'fail')
    throw Object.assign(new Error('ENOSPC: no space left on device, ' + name), { code: 'ENOSPC', syscall: name });
};
fs.openSync = (path, flags, ...rest) => {
  const creates = typeof flags === 'string' ? /^[wax]/.test(flags) : (flags & fs.constants.O_CREAT) !== 0;
  if (creates) step('open', path);
  const fd = openSync(path, flags, ...rest);
  temporary.set(fd, path);
  return fd;
};
const { writeFileSync } = fs;
fs.writeFileSync = (file, content, ...rest) => {
  const half = () => {
    const bytes = Buffer.from(content);
    writeFileSync(file, bytes.subarray(0, bytes.length / 2));
  };
  step('write', temporary.get(file) ?? file, half);
  return writeFileSync(file, content, ...rest);
};
for (const name of ['renameSync', 'unlinkSync', 'mkdirSync', 'rmdirSync', 'mkdtempSync', 'fchmodSync', 'fchownSync',
  'fsyncSync', 'symlinkSync']) {
  const real = fs[name];
  fs[name] = (...args) => {
    const path = name === 'symlinkSync' ? args[1] : args[0];
    step(name.slice(0, -4), temporary.get(path) ?? path);
    return real(...args);
  };
}
process.on('exit', () => writeSync(report, JSON.stringify(steps)));
require('node:module').syncBuiltinESMExports();
`;

/**
 * Stands in front of systemctl and systemd-analyze, whose calls are counted together. BREAK="N:HOW M:HOW" breaks the Nth
 * and the Mth, "N+:HOW" all from the Nth on. HOW is `fail` in the call's place, `fail-late` after it, `kill` (of mirror) or
 * `kill-late`.
 */
const bad = (command: string): string => `#!/bin/sh
n=$(($(cat /run/calls 2>/dev/null || echo 0) + 1))
echo $n >/run/calls
for fault in $BREAK; do
  at=\${fault%%:*} how=\${fault#*:}
  case $at in
    *+) [ $n -ge "\${at%+}" ] || continue ;;
    *) [ $n -eq "$at" ] || continue ;;
  esac
  case $how in *-late) /usr/bin/${command} "$@" ;; esac
  case $how in kill*) kill -9 $PPID ;; esac
  echo "${command}: broken" >&2
  exit 1
done
exec /usr/bin/${command} "$@"
`;

/** A call of `mirror`'s that changes the file system: its name and the last part of its path. */
export interface Step {
  readonly name: string;
  readonly path: string;
}

/** All that an apply owns and all that systemd knows of it. */
export interface Picture {
  /** Content or target by path; of a baseline and a dst only that it is there. */
  readonly files: Readonly<Record<string, string>>;
  /** Unit, load state and active state of each timer that systemd has loaded. Not whether it waits: a slot may come. */
  readonly timers: readonly string[];
  /** A unit whose file is not what systemd has read. */
  readonly stale: boolean;
}

/** An apply that something happens to. */
export interface Faulty {
  /** `mirror apply` with faults of the disk (FAULT) and of systemd (BREAK); see above. */
  apply(faults: { readonly disk?: string; readonly systemd?: string }): Answer;
  /** The steps of the last apply with `disk`, if it was not killed. */
  steps(): Step[];
  /** How often the last apply called systemctl and systemd-analyze. */
  calls(): number;
  look(): Picture;
}

/** Installs the faults in a bed. */
export function faulty(bed: Bed, site: LiveSite): Faulty {
  site.write('/opt/faults/disk.cjs', BAD_DISK);
  for (const command of ['systemctl', 'systemd-analyze'])
    site.write(`/opt/faults/${command}`, bad(command), 0o755);
  return {
    apply: ({ disk, systemd = '' }) => {
      site.write('/run/calls', '0\n');
      const env = ['PATH=/opt/faults:/usr/sbin:/usr/bin:/sbin:/bin', `BREAK=${systemd}`];
      if (disk !== undefined) env.push(`FAULT=${disk}`, 'NODE_OPTIONS=--require=/opt/faults/disk.cjs');
      return bed.run('env', ...env, MIRROR, 'apply');
    },
    steps: () => JSON.parse(site.read('/run/steps')) as Step[],
    calls: () => Number(site.read('/run/calls')),
    look: () => ({ files: files(bed), ...units(bed) }),
  };
}

function files(bed: Bed): Record<string, string> {
  const found: Record<string, string> = {};
  const read = (path: string, filter: RegExp): void => {
    for (const entry of readdirSync(join(bed.root, path), { withFileTypes: true })) {
      if (!filter.test(entry.name)) continue;
      const inner = `${path}/${entry.name}`;
      if (entry.isSymbolicLink()) found[inner] = readlinkSync(join(bed.root, inner));
      else if (entry.isDirectory()) read(inner, /./);
      else found[inner] = inner.includes('/baseline/') ? '' : readFileSync(join(bed.root, inner), 'utf8');
    }
  };
  read('/etc/systemd/system', /^mirror|wants$|tmp$/);
  read('/etc/mirror/compiled', /^(?!history\.jsonl$|lock$)/);
  for (const name of readdirSync(join(bed.root, '/srv/ftp'))) found[`/srv/ftp/${name}`] = '';
  // A temporary file there could be a run's; publish sweeps those of the dead after an hour.
  read('/var/lib/mirror/baseline', /^[^.]/);
  return found;
}

function units(bed: Bed): { timers: string[]; stale: boolean } {
  const list = "systemctl list-units --all --plain --no-legend 'mirror-*.timer'";
  const show = "systemctl show 'mirror-*' --property=NeedDaemonReload --value";
  const [timers = '', stale = ''] = bed.must('sh', '-c', `${list} && echo -- && ${show}`).split('--\n');
  const lines = timers.split('\n').filter((line) => line !== '');
  return {
    timers: lines.map((line) => line.split(/\s+/).slice(0, 3).join(' ')).sort(),
    stale: stale.includes('yes'),
  };
}
