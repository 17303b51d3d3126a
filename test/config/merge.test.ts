import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inheritance } from '../../src/config/inherit.js';
import { merge, origin, type Layer } from '../../src/config/merge.js';
import { readSources } from '../../src/config/sources.js';
import { readFiles, rsyncPackage, siteWith } from './read.js';

describe('inheritance', () => {
  test('objects merge, lists and values replace, append adds', () => {
    const base = { a: { x: 1, y: [1, 2] }, list: [1, 2], text: 'old', same: true };
    const over = { a: { y: [3] }, list: { append: [3] }, text: 'new', more: null };
    expect(merge(base, over)).toEqual({
      a: { x: 1, y: [3] },
      list: [1, 2, 3],
      text: 'new',
      same: true,
      more: null,
    });
    expect(base.list).toEqual([1, 2]);
  });

  test('append without a list below is the list', () => {
    expect(merge({ a: 7 }, { a: { append: [1] }, b: { append: [2], _why: 'note' } })).toEqual({
      a: [1],
      b: [2],
    });
  });

  test('append to text: it is a list of one', () => {
    expect(merge({ src: 'a' }, { src: { append: ['b'] } })).toEqual({ src: ['a', 'b'] });
  });

  test('a key named __proto__ changes nothing', () => {
    const merged = merge(
      {},
      JSON.parse('{ "__proto__": { "polluted": 1 }, "constructor": { "x": 1 } }'),
    ) as object;
    expect('polluted' in merged).toBe(false);
    expect('polluted' in {}).toBe(false);
  });

  test('order is all, synctype, sets as listed, package', () => {
    const { site } = readFiles({
      'config.json': siteWith(
        {
          ...rsyncPackage('debian', { use: ['big', 'night'], guard: { min_free: '9%' } }),
          ...rsyncPackage('ubuntu'),
        },
        { guard: { deletes: 1, ratio: 0.9 } },
        {
          defaults: {
            all: { guard: { deletes: 2 }, env: { A: 'all', B: 'all', C: 'all' } },
            synctype: { rsync: { env: { B: 'rsync', C: 'rsync' } }, local: { env: { A: 'local' } } },
            sets: {
              big: { guard: { deletes: 3 }, env: { C: 'big' }, sandbox: 'off' },
              night: { guard: { deletes: 4 }, window: ['20:00-07:00'] },
            },
          },
        },
      ),
    });
    const [debian, ubuntu] = site?.packages ?? [];
    expect(debian?.guard).toMatchObject({ deletes: 4, ratio: 0.9, minFree: { share: 0.09 } });
    expect(debian?.env).toEqual({ A: 'all', B: 'rsync', C: 'big' });
    expect(debian?.schedule.windows).toEqual([{ from: 1200, to: 420 }]);
    expect(ubuntu?.guard.deletes).toBe(2);
    expect(ubuntu?.env).toEqual({ A: 'all', B: 'rsync', C: 'rsync' });
    expect(ubuntu?.sandbox).toBe('strict');
  });

  test('sets may be appended, and a wrong item shifts no other', () => {
    const take = (use: unknown): ReturnType<typeof readFiles> =>
      readFiles({
        'config.json': siteWith(
          rsyncPackage('debian', { use }),
          {},
          { defaults: { sets: { s: { umask: '0077' } } } },
        ),
      });
    expect(take({ append: ['s'] }).site?.packages[0]?.umask).toBe('0077');
    const { diagnostics } = take([5, 't', 's']);
    const places = diagnostics.map(({ code, place }) => `${code} ${place?.pointer ?? ''}`);
    expect(places).toContain('wrong-type /packages/debian/use/0');
    expect(places).toContain('unknown-set /packages/debian/use/1');
  });

  test('without defaults nothing is copied', () => {
    const reader = {
      read: () => Buffer.from(siteWith({ ...rsyncPackage('debian'), ...rsyncPackage('ubuntu') })),
      glob: () => [],
      realPath: (path: string) => path,
    };
    const sources = readSources(reader, '/site/config.json', {});
    const { merged } = inheritance(sources);
    for (const definition of sources.packages.values()) expect(merged(definition)).toBe(definition.raw);
  });

  test('the method may itself be inherited, and decides which defaults apply', () => {
    const { site, diagnostics } = readFiles({
      'config.json': siteWith(
        { own: { syncrate: '', settings: { dst: '/srv/own' } } },
        {},
        {
          defaults: {
            all: { synctype: 'local' },
            synctype: { local: { umask: '0027' }, rsync: { umask: '0077' } },
          },
        },
      ),
    });
    expect(diagnostics).toEqual([]);
    expect(site?.packages[0]).toMatchObject({ synctype: 'local', umask: '0027' });
  });

  test.each([
    ['a rate beats an inherited time', { synctime: '03:30' }, {}, { syncrate: 'PT1H' }, null],
    ['and so does PUSH', { schedule: '0 3 * * *' }, {}, { syncrate: 'PUSH' }, null],
    ['a time beats an inherited schedule', { schedule: '0 3 * * *' }, {}, { synctime: '04:00' }, '04:00'],
    ['a set beats a weaker default', { synctime: '03:30' }, { syncrate: 'PT1H' }, {}, null],
    ['the last one decides', { schedule: '0 3 * * *' }, { syncrate: 'P1D' }, { synctime: '04:00' }, '04:00'],
    ['of two in one place the time decides', { synctime: '03:30', syncrate: 'PT1H' }, {}, {}, '03:30'],
    ['times add up', { synctime: ['03:30'] }, {}, { synctime: { append: ['04:00'] } }, ['03:30', '04:00']],
  ])('who says when a package runs: %s', (_, rsync, set, own, synctime) => {
    const settings = { src: 'rsync://up.example.org/debian', dst: '/srv/ftp/debian' };
    const { site, diagnostics, ...result } = readFiles({
      'config.json': siteWith(
        { debian: { synctype: 'rsync', use: ['set'], settings, ...own } },
        {},
        { defaults: { synctype: { rsync }, sets: { set } } },
      ),
    });
    expect(diagnostics).toEqual([]);
    const values = new Map(result.explain('debian')?.map(({ key, value }) => [key, value]));
    expect(values.get('synctime') ?? null).toEqual(synctime);
    expect(values.has('schedule')).toBe(false);
    expect(site?.packages[0]?.schedule.rule.kind === 'daily').toBe(synctime !== null);
  });

  test('every leaf of a merged value is found where it came from', () => {
    const json = fc.dictionary(
      fc.constantFrom('a', 'b', 'c/d', 'e~f', 'constructor'),
      fc.oneof(
        { depthSize: 'small' },
        fc.nat(),
        fc.constant('text'),
        fc.array(fc.nat(), { maxLength: 3 }),
        fc.record({ append: fc.array(fc.nat(), { maxLength: 3 }) }),
        fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.nat(), fc.array(fc.nat(), { maxLength: 2 }))),
      ),
    );
    fc.assert(
      fc.property(fc.array(json, { minLength: 1, maxLength: 4 }), (values) => {
        const layers = values.map((value, i): Layer => ({ label: String(i), file: 'f', pointer: '', value }));
        const merged = values.reduce<unknown>((base, over) => merge(base, over), undefined);
        for (const { path, leaf } of leaves(merged)) expect(origin(layers, path)?.value).toEqual(leaf);
      }),
      { numRuns: 1000 },
    );
  });
});

function leaves(value: unknown, path: readonly string[] = []): { path: readonly string[]; leaf: unknown }[] {
  if (typeof value !== 'object' || value === null) return [{ path, leaf: value }];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
}
