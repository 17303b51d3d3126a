import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { diskReader, matchesGlob } from '../../src/config/index.js';
import { readFiles, rsyncPackage, siteWith } from './read.js';

const files = {
  'config.json': siteWith(
    rsyncPackage('debian', { use: ['big'], retry: { attempts: 2 } }),
    { max_runtime: 'PT3H', errorcontinuetime: 600 },
    {
      include: ['packages.d/*.json'],
      defaults: {
        all: { guard: { deletes: 7 }, env: { LANG: 'C' }, link: [{ rel: 'HOME', href: 'https://ctan.org' }] },
        synctype: { rsync: { settings: { options: { exclude: ['*.iso'] } } } },
        sets: { big: { resources: { nice: 15 } } },
      },
    },
  ),
  'packages.d/ctan.json': `{
  "CTAN": {
    "synctype": "rsync",
    "syncrate": "P1D",
    "synctime": "03:30",
    "hosts": ["here"],
    "freshness": { "file": "timestamp", "format": "epoch" },
    "settings": {
      "src": "rsync://me:hunter2@up.example.org/CTAN",
      "dst": "/srv/ftp/CTAN",
      "options": { "exclude": { "append": ["*.zip"] } }
    }
  }
}`,
};

describe('where a value stands', () => {
  const result = readFiles(files);

  test('in an included file', () => {
    expect(result.place('CTAN', '/settings/dst', 'value')).toEqual({
      file: '/site/packages.d/ctan.json',
      pointer: '/CTAN/settings/dst',
      target: 'value',
    });
  });

  test('in defaults, and each item of an appended list where it was written', () => {
    expect(result.place('CTAN', '/guard/deletes', 'value').pointer).toBe('/defaults/all/guard/deletes');
    expect(result.place('debian', '/resources/nice', 'value').pointer).toBe(
      '/defaults/sets/big/resources/nice',
    );
    expect(result.place('CTAN', '/settings/options/exclude/0', 'value')).toMatchObject({
      file: '/site/config.json',
      pointer: '/defaults/synctype/rsync/settings/options/exclude/0',
    });
    expect(result.place('CTAN', '/settings/options/exclude/1', 'value')).toMatchObject({
      file: '/site/packages.d/ctan.json',
      pointer: '/CTAN/settings/options/exclude/append/0',
    });
  });

  test('of a list with appended items is everywhere an item came from', () => {
    const exclude = result.explain('CTAN')?.find(({ key }) => key === 'settings.options.exclude');
    expect(exclude).toMatchObject({
      value: ['*.iso', '*.zip'],
      origin: { label: 'defaults.synctype.rsync + packages.CTAN', file: '/site/packages.d/ctan.json' },
    });
  });

  test('what is not there is what would hold it', () => {
    expect(result.place('CTAN', '/settings/hidden', 'value')).toEqual({
      file: '/site/packages.d/ctan.json',
      pointer: '/CTAN/settings',
      target: 'key',
    });
    expect(result.place('CTAN', '/sandbox', 'value')).toMatchObject({ pointer: '/CTAN', target: 'key' });
  });

  test('findings of later stages point as if all packages stood in the main file', () => {
    const place = { file: '/site/config.json', pointer: '/packages/CTAN/syncrate', target: 'value' } as const;
    const [found] = result.locate([
      { code: 'x', severity: 'warning', message: 'rsync://u:hunter2@h', place },
    ]);
    expect(found).toMatchObject({
      message: 'rsync://u:********@h',
      place: { file: '/site/packages.d/ctan.json', pointer: '/CTAN/syncrate' },
      span: { line: 4, column: 17, length: 5, text: '    "syncrate": "P1D",' },
    });
  });

  test('explain names the origin of each value, and shows no secret', () => {
    const rows = new Map(result.explain('CTAN')?.map(({ key, value, origin }) => [key, { value, origin }]));
    const origin = (key: string): string =>
      `${rows.get(key)?.origin.kind ?? ''} ${rows.get(key)?.origin.label ?? ''}`;
    expect(origin('syncrate')).toBe('package packages.CTAN');
    expect(rows.get('syncrate')?.origin).toMatchObject({ file: '/site/packages.d/ctan.json', line: 4 });
    for (const key of ['synctime', 'hosts', 'freshness.file', 'freshness.format'])
      expect(origin(key), key).toBe('package packages.CTAN');
    expect(origin('freshness.monotonic')).toBe('built-in built-in default');
    expect(origin('link')).toBe('defaults defaults.all');
    expect(rows.get('synctime')?.value).toBe('03:30');
    expect(rows.get('schedule')).toBeUndefined();
    expect(origin('guard.deletes')).toBe('defaults defaults.all');
    expect(origin('env.LANG')).toBe('defaults defaults.all');
    expect(origin('max_runtime')).toBe('settings settings.max_runtime');
    expect(origin('retry.delay')).toBe('settings settings.errorcontinuetime');
    expect(origin('guard.ratio')).toBe('built-in built-in default');
    expect(rows.get('settings.options.password')).toMatchObject({ value: '********' });
    expect(rows.get('settings.options.exclude')?.value).toEqual(['*.iso', '*.zip']);
    expect(JSON.stringify([...rows])).not.toContain('hunter2');
    expect(result.explain('none')).toBeNull();
  });
});

describe('include patterns', () => {
  test('on the disk: `*` and `?`, no hidden files, sorted', () => {
    const directory = mkdtempSync(join(tmpdir(), 'mirror-glob-'));
    for (const name of ['b', 'a', '.hidden']) mkdirSync(join(directory, name));
    for (const name of ['b/2.json', 'b/1.json', 'a/x.json', 'a/.y.json', 'a/z.txt', '.hidden/1.json']) {
      writeFileSync(join(directory, name), '{}');
    }
    const glob = (pattern: string): string[] =>
      diskReader()
        .glob(join(directory, pattern))
        .map((path) => path.slice(directory.length + 1));
    try {
      expect(glob('*/*.json')).toEqual(['a/x.json', 'b/1.json', 'b/2.json']);
      expect(glob('b/?.json')).toEqual(['b/1.json', 'b/2.json']);
      expect(glob('a/.*.json')).toEqual(['a/.y.json']);
      expect(glob('a/x.json')).toEqual(['a/x.json']);
      expect(glob('none/*.json')).toEqual([]);
      expect(glob('*/none.json')).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.each([
    ['/a/*.json', '/a/b.json', true],
    ['/a/*.json', '/a/b/c.json', false],
    ['/a/*.json', '/a/.b.json', false],
    ['/a/?.json', '/a/bc.json', false],
    ['/a+(b)/x.json', '/a+(b)/x.json', true],
    ['/a/b.json', '/a/bxjson', false],
  ])('%s and %s', (pattern, path, matches) => expect(matchesGlob(pattern, path)).toBe(matches));

  test('many stars take no more time than few', () => {
    const began = performance.now();
    expect(matchesGlob(`/d/${'*a'.repeat(14)}*b`, `/d/${'a'.repeat(120)}`)).toBe(false);
    expect(matchesGlob(`/d/${'*a'.repeat(2000)}b`, `/d/${'a'.repeat(4000)}`)).toBe(false);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test('the file itself and files named twice are read once', () => {
    const result = readFiles({
      'config.json': siteWith(rsyncPackage('debian'), {}, { include: ['*.json', 'm*.json'] }),
      'more.json': JSON.stringify(rsyncPackage('ubuntu')),
    });
    expect(result.diagnostics).toEqual([]);
    expect(result.site?.packages.map(({ id }) => id)).toEqual(['debian', 'ubuntu']);
  });
});
