import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobLog, SiteLog } from '../../src/job/job.js';
import { matching } from '../support/matching.js';
import { install, until } from './fixture.js';
import type { Installation } from './fixture.js';

const LINE = /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] (INFO|WARNING|ERROR) # \w+: \S.*$/;

describe("the site's log", () => {
  let site: Installation;
  let place: SiteLog;
  beforeEach(() => {
    site = install();
    const base = join(site.root, 'log/site');
    const format = '[%(asctime)s] %(levelname)s # %(message)s';
    place = { base, folder: '', filename: 'mirror.log', format, level: 'INFO' };
    mkdirSync(base, { recursive: true });
  });
  afterEach(() => site.remove());

  const logged = (name = 'mirror.log'): string[] =>
    readFileSync(join(place.base, name), 'utf8').trimEnd().split('\n');
  const messages = (name?: string): string[] => logged(name).map((line) => line.replace(/^.*? # /, ''));

  /** A job that writes to the site's log. */
  function script(id: string, text: string, change: Partial<SiteLog> = {}): void {
    const { log } = site.script(id, text);
    const all: JobLog = { ...log, site: { ...place, ...change } };
    site.script(id, text, { log: all });
  }

  test('has how every run begins and ends, whoever asked for it', async () => {
    script('good', ':');
    script('bad', 'echo no room for this >&2; exit 73');
    await site.run('good');
    await site.run('bad', '--scheduled');
    expect(messages().map((line) => line.replace(/\d+\.\d s/, 'N s'))).toEqual([
      'good: from test:good (request)',
      'good: synced (N s)',
      'bad: from test:bad (schedule)',
      'bad: failed (space): the command cannot create its output (exit 73): no room for this (N s)',
    ]);
    for (const line of logged()) expect(line).toMatch(LINE);
    expect(logged().map((line) => line.split(' ')[2])).toEqual(['INFO', 'INFO', 'INFO', 'ERROR']);
  });

  test('has the end of each run that one executor makes', async () => {
    script('twice', 'echo x >>$F/twice; while ! [ -e $F/go ]; do sleep 0.02; done');
    const first = site.start(['run', '--root', site.root, 'twice']).ended;
    await until(() => existsSync(join(site.root, 'flags/twice')));
    await site.run('twice');
    writeFileSync(join(site.root, 'flags/go'), '');
    await first;
    expect(messages().map((line) => line.replace(/ \(\d.*/, ''))).toEqual([
      'twice: from test:twice (request)',
      'twice: busy: already running; one more run will follow it',
      'twice: synced',
      'twice: from test:twice (request)',
      'twice: synced',
    ]);
  });

  test('leaves out what is below its level', async () => {
    script('good', ':', { level: 'WARNING' });
    script('bad', 'exit 73', { level: 'WARNING' });
    await site.run('good');
    await site.run('bad');
    expect(messages()).toEqual([matching(/^bad: failed/)]);
  });

  test('has whole lines of runs that end at once', async () => {
    const ids = Array.from({ length: 12 }, (_, i) => `p${i}`);
    for (const id of ids) script(id, `echo ${'x'.repeat(3000)} >&2; exit 73`);
    await Promise.all(ids.map((id) => site.run(id)));
    expect(logged()).toHaveLength(24);
    for (const line of logged()) expect(line).toMatch(LINE);
  });

  test('begins anew at midnight where its name has a date, and not with every line', async () => {
    script('daily', ':', {
      folder: '{year}/{month}',
      filename: '{day}.{hour}{minute}{second}.{microsecond}.log',
    });
    await site.run('daily');
    await site.run('daily');
    const names = readdirSync(place.base, { recursive: true }).map(String);
    const files = names.filter((name) => name.endsWith('.log'));
    // Two if a midnight came between.
    expect(files.flatMap((name) => logged(name))).toHaveLength(4);
    for (const name of files) {
      const date = name.replace('.000000.000000.log', '').replaceAll(/[/.]/g, '-');
      for (const line of logged(name)) expect(line.slice(1, 11)).toBe(date);
    }
  });

  test('may be moved away during a run', async () => {
    script('long', 'touch $F/began; while ! [ -e $F/go ]; do sleep 0.02; done');
    const run = site.start(['run', '--root', site.root, 'long']).ended;
    await until(() => existsSync(join(site.root, 'flags/began')));
    renameSync(join(place.base, 'mirror.log'), join(place.base, 'mirror.log.1'));
    writeFileSync(join(site.root, 'flags/go'), '');
    await run;
    expect(messages('mirror.log.1')).toEqual(['long: from test:long (request)']);
    expect(messages()).toEqual([matching(/^long: synced \(\d/)]);
  });

  test('is open to the group where its directory hands it on', async () => {
    chmodSync(place.base, 0o2775);
    script('shared', ':', { folder: '{year}' });
    await site.run('shared');
    const [year = ''] = readdirSync(place.base);
    expect(statSync(join(place.base, year)).mode & 0o7777).toBe(0o2775);
    expect(statSync(join(place.base, year, 'mirror.log')).mode & 0o7777).toBe(0o664);
  });

  test('does not end a sync when it cannot be written', async () => {
    mkdirSync(join(place.base, 'mirror.log'));
    script('quiet', ':');
    expect(await site.run('quiet')).toMatchObject({ code: 0, stderr: '' });
    expect(site.state('quiet').last).toMatchObject({ outcome: 'synced' });
  });

  test('keeps nobody waiting where somebody has put a pipe in its place', async () => {
    execFileSync('mkfifo', [join(place.base, 'mirror.log')]);
    script('piped', ':');
    expect(await site.run('piped')).toMatchObject({ code: 0, stderr: '' });
  });

  test('does not follow a link to somebody else’s file', async () => {
    const other = join(site.root, 'other');
    writeFileSync(other, 'mine\n');
    symlinkSync(other, join(place.base, 'mirror.log'));
    script('linked', ':');
    await site.run('linked');
    expect(readFileSync(other, 'utf8')).toBe('mine\n');
  });
});
