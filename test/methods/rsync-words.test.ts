import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { methods } from '../../src/methods/index.js';
import type { PackageFinding } from '../../src/methods/method.js';
import { readRsyncWords } from '../../src/methods/rsync-words.js';
import { pkg, source } from '../compile/site.js';

/** What rsync says to these words and no others: `… missing argument`, `unknown option`, or how it is used. */
function asked(...words: readonly string[]): string {
  const { stdout, stderr } = spawnSync('rsync', words, { encoding: 'utf8' });
  return stderr + stdout;
}

/** What is said about a package of `synctype` with these options. */
function findings(synctype: string, options: object): readonly PackageFinding[] {
  const debian = pkg('debian', {
    synctype,
    sources: [source('rsync://rsync.example.org/debian')],
    options: { ...options },
  });
  return methods.get(synctype)?.check(debian) ?? [];
}

/** Its codes and places. */
function found(synctype: string, options: object): string[] {
  return findings(synctype, options).map(({ code, at }) => `${code} ${at.replace('/settings/options/', '')}`);
}

describe('words for rsync', () => {
  test('take a value where rsync itself misses one', () => {
    const help = asked('--help');
    const long = [...help.matchAll(/--[a-z0-9-]+/g)].map(([name]) => name);
    const letters = Array.from('abcdefghijklmnopqrstuvxyzABCDEFHIKLMNOPRSTUVWX048@', (one) => `-${one}`);
    const old = ['--log-format', '--time-limit', '--config', '--dparam', '--protect-args', '--no-timeout'];
    const options = new Set([...long, ...letters, ...old]);
    expect(options.size).toBeGreaterThan(150);
    for (const option of options) {
      if (option === '--daemon') continue;
      const misses = asked(option).includes(`${option}: missing argument`);
      expect(readRsyncWords([option])[0]?.kind, option).toBe(misses ? 'lacks-value' : 'option');
    }
  });

  test('are letters, values of the letters before, or values of the word before', () => {
    const names = (...words: readonly string[]): string[] => readRsyncWords(words).map(({ name }) => name);
    expect(names('-bn', '-Bn', '-vfn', '-zf', '-n')).toEqual(['-b', '-n', '-B', '-v', '-f', '-z', '-f']);
    expect(names('--exclude', '--dry-run', '--exclude=-n', '-prltvHSB8192')).toEqual([
      '--exclude',
      '--exclude',
      ...Array.from('prltvHSB', (letter) => `-${letter}`),
    ]);
    const values = readRsyncWords([
      '--exclude',
      '/a',
      '--exclude=b=c',
      '-vB8',
      '-e',
      'ssh -4',
      '-z',
      '--rsh',
    ]);
    expect(values.map(({ name, value }) => [name, value])).toEqual([
      ['--exclude', '/a'],
      ['--exclude', 'b=c'],
      ['-v', null],
      ['-B', '8'],
      ['-e', 'ssh -4'],
      ['-z', null],
      ['--rsh', null],
    ]);
  });
});

describe('rsync is given no words', () => {
  test.each([
    [['-n'], 'dry-run 0'],
    [['-nv'], 'dry-run 0'],
    [['-zn'], 'dry-run 0'],
    [['-z', '-rltn'], 'dry-run 1'],
    [['--dry-run'], 'dry-run 0'],
    [['--list-only'], 'dry-run 0'],
    [['--only-write-batch=x'], 'dry-run 0'],
    [['--version'], 'dry-run 0'],
    [['--max-delete=99'], 'delete-guard 0'],
    [['--max-delete', '99'], 'delete-guard 0'],
    [['--ignore-errors'], 'delete-guard 0'],
    [['--force'], 'delete-guard 0'],
    [['--remove-source-files'], 'delete-guard 0'],
    [['--delete-after'], 'delete-guard 0'],
    [['--exclude=!'], 'filter-list 0'],
    [['--include', '!'], 'filter-list 0'],
    [['--filter=clear'], 'filter-list 0'],
    [['-v', '-f!'], 'filter-list 1'],
    [['--exclude'], 'rsync-argument 0'],
    [['-v', '-zf'], 'rsync-argument 1'],
    [['--bwlimit', '5', '--rsh'], 'rsync-argument 2'],
    [['--'], 'rsync-argument 0'],
    [['-z', '/etc'], 'rsync-argument 1'],
    [['-'], 'rsync-argument 0'],
  ])('%j', (words, said) => {
    expect(found('rsync', { extra_args: words })).toEqual([said.replace(' ', ' extra_args/')]);
    expect(found('rsync', { base_args: words })).toEqual([said.replace(' ', ' base_args/')]);
  });

  test.each([['-q'], ['-vq'], ['--quiet'], ['--info=stats0'], ['--info=flist2,NONE']])(
    'that hide its statistics without a warning: %s, and rsync prints none',
    (word) => {
      expect(found('rsync', { extra_args: [word] })).toEqual(['no-statistics extra_args/0']);
      expect(findings('rsync', { extra_args: [word] })[0]?.severity).toBe('warning');
      const words = ['-d', '--dry-run', '--stats', `${import.meta.dirname}/`, '/nowhere/'];
      expect(asked(...words)).toContain('Number of files');
      expect(asked(word, ...words)).not.toContain('Number of files');
    },
  );

  test('of the flag letters', () => {
    expect(found('rsync', { option_include: 'znh' })).toEqual(['dry-run option_include']);
    expect(found('rsync', { option_include: 'u', stage_set: 'rpm' })).toEqual([
      'stage-argument option_include',
    ]);
  });

  test.each([
    ['ubuntu', 'extra_rsync_args', {}, 'stage-argument'],
    ['jigdo', 'extra_rsync_args', { debian_mirror: 'file:/srv/ftp/debian' }, 'delete-guard'],
    ['quick-fedora', 'extra_args', { list: 'fullfiletimelist-debian' }, 'delete-guard'],
  ])('of %s either', (synctype, key, options, deletes) => {
    const words = ['--delete-excluded', '-nv', '--max-delete=9', '--', '--exclude'];
    expect(found(synctype, { ...options, [key]: words })).toEqual([
      `${deletes} ${key}/0`,
      `dry-run ${key}/1`,
      `${synctype === 'ubuntu' ? 'stage-argument' : 'delete-guard'} ${key}/2`,
      `rsync-argument ${key}/3`,
    ]);
    expect(found(synctype, { ...options, [key]: ['--exclude'] })).toEqual([`rsync-argument ${key}/0`]);
  });

  test('of ftpsync either: only its second pass deletes', () => {
    const extra = {
      RSYNC_EXTRA: '-z --exclude',
      RSYNC_OPTIONS: '-prltvHSB8192 --delete',
      RSYNC_OPTIONS2: '--delete  --delete-excluded --max-delete=40000',
      EXCLUDE: '--exclude=/a /b',
    };
    expect(found('ftpsync', { extra })).toEqual([
      'rsync-argument extra/RSYNC_EXTRA',
      'delete-guard extra/RSYNC_OPTIONS',
      'delete-guard extra/RSYNC_OPTIONS2',
      'rsync-argument extra/EXCLUDE',
    ]);
  });

  test('but those that it reads as they are meant', () => {
    const words = ['--exclude', '-n', '-f', '--max-delete=1', '-e', 'ssh -n', '-Bn', '--delete-excluded'];
    expect(found('rsync', { base_args: words, extra_args: ['--info=progress2', '-zz'] })).toEqual([]);
    expect(found('rsync', { extra_args: ['--info=stats3', '--info', 'all2'] })).toEqual([]);
  });
});
