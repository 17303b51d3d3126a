import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { rsyncFiltersOfScript } from '../../src/job/never-upstream.js';
import type { FilePart } from '../../src/job/step.js';
import { ftpsync } from '../../src/methods/ftpsync.js';
import { ftpsyncConf } from '../../src/methods/ftpsync-conf.js';
import { daemonModule } from '../../src/methods/ftpsync-source.js';
import type { DaemonModule } from '../../src/methods/ftpsync-source.js';
import type { MethodContext } from '../../src/methods/method.js';
import type { Package } from '../../src/model/site.js';
import { context, pkg, source } from '../compile/site.js';

const directory = mkdtempSync(join(tmpdir(), 'mirror-conf-'));
const SOURCE = source('rsync://ftp.example.org/debian');

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function conf(
  options: object,
  changes: Partial<Package> = {},
  about: Partial<MethodContext> = {},
): FilePart[] {
  const debian = pkg('debian', { synctype: 'ftpsync', options: options as Package['options'], ...changes });
  const from = daemonModule(SOURCE) as DaemonModule;
  return ftpsyncConf(debian, context(SOURCE, about), from);
}

/** The variables that bash has after it has read a configuration, as ftpsync does; `77` is the delete limit. */
function sourced(parts: readonly FilePart[], names: readonly string[]): Record<string, string> {
  const text = parts.map((part) =>
    typeof part === 'string' ? part : 'value' in part && part.value === 'delete-limit' ? '77' : 'cron',
  );
  const file = join(directory, 'ftpsync.conf');
  writeFileSync(file, text.join(''));
  const print = names.map((name) => `printf '%s\\0' "\${${name}-unset}"`).join('; ');
  const output = execFileSync('bash', ['-c', `set -eu; . "$1"; ${print}`, 'bash', file], {
    cwd: directory,
    encoding: 'utf8',
    // bash takes a pipe of Node's for a network, and reads somebody's .bashrc.
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' },
  });
  const values = output.split('\0');
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
}

/** Any line that the schema lets through, the nastier the likelier. */
const line = fc
  .oneof(
    fc
      .array(
        fc.constantFrom(
          "'",
          '"',
          '$(touch owned)',
          '`touch owned`',
          '\\',
          ';',
          '&',
          '|',
          '#',
          '%',
          '$HOME',
          '*',
          ' ',
          'é',
          '雪',
          '\u{1f600}',
          '=',
          '!',
          '~',
          '-',
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constant('x'.repeat(4096)),
  )
  .filter(
    (text) => !/[\u0000-\u001f\u007f]/.test(text) && Buffer.from(text).toString() === text && text !== '',
  );

describe('ftpsync.conf', () => {
  test('says to bash exactly what the options say, whatever they are', () => {
    fc.assert(
      fc.property(line, line, line, line, line, (sponsor, location, hook, exclude, email) => {
        const extra = { HOOK1: hook, EXCLUDE: exclude };
        expect(
          sourced(conf({ sponsor, location, email, extra }), [
            'INFO_SPONSOR',
            'INFO_LOCATION',
            'HOOK1',
            'EXCLUDE',
            'MAILTO',
            'TO',
            'INFO_TRIGGER',
          ]),
        ).toEqual({
          INFO_SPONSOR: sponsor,
          INFO_LOCATION: location,
          HOOK1: hook,
          EXCLUDE: exclude,
          MAILTO: email,
          TO: '/srv/ftp/debian',
          INFO_TRIGGER: 'cron',
        });
      }),
      { numRuns: 60 },
    );
    expect(execFileSync('ls', [directory], { encoding: 'utf8' }).trim()).toBe('ftpsync.conf');
  });

  test("gives rsync's second pass the delete limit before every word that could take it as a value", () => {
    const last = (options: object, about: Partial<MethodContext> = {}): string | undefined =>
      sourced(conf(options, {}, about), ['RSYNC_OPTIONS2']).RSYNC_OPTIONS2;
    expect(last({})).toBe(
      '--max-delete=77 --force --backup --backup-dir=/srv/ftp/debian/.~mirror~/undo --delay-updates --delete --delete-delay --delete-excluded',
    );
    expect(last({ extra: { RSYNC_OPTIONS2: '--delete --exclude' } })).toBe(
      '--max-delete=77 --force --backup --backup-dir=/srv/ftp/debian/.~mirror~/undo --delete --exclude',
    );
    expect(last({}, { fallback: true })).toBe('--delay-updates');
    expect(last({ extra: { RSYNC_OPTIONS2: '--delay-updates --delete-after' } }, { fallback: true })).toBe(
      '--delay-updates',
    );
  });

  test("takes the site's word where the package says nothing, and only then", () => {
    const site = {
      ...context(SOURCE).site,
      maintainer: { name: 'Ann', email: 'ann@example.org' },
      ftpsync: { sponsor: 'Site', country: 'DE', include: 'amd64' },
    };
    const names = ['INFO_MAINTAINER', 'INFO_SPONSOR', 'INFO_COUNTRY', 'ARCH_INCLUDE', 'ARCH_EXCLUDE'];
    expect(sourced(conf({ country: 'KR' }, {}, { site }), names)).toEqual({
      INFO_MAINTAINER: 'Ann <ann@example.org>',
      INFO_SPONSOR: 'Site',
      INFO_COUNTRY: 'KR',
      ARCH_INCLUDE: 'amd64',
      ARCH_EXCLUDE: 'unset',
    });
    expect(sourced(conf({ arch_exclude: 'mips' }, {}, { site }), names)).toMatchObject({
      ARCH_INCLUDE: 'unset',
      ARCH_EXCLUDE: 'mips',
    });
  });

  test('translates the address family, the address and the proxy', () => {
    const network = { ...pkg('x').network, family: 'ipv4' as const, bind: '192.0.2.1', proxy: 'proxy:3128' };
    expect(
      sourced(conf({ extra: { RSYNC_EXTRA: '-z' } }, { network }), ['RSYNC_EXTRA', 'RSYNC_PROXY']),
    ).toEqual({
      RSYNC_EXTRA: `${rsyncFiltersOfScript().join(' ')} -z --contimeout=60 --ipv4 --address=192.0.2.1`,
      RSYNC_PROXY: 'proxy:3128',
    });
    expect(sourced(conf({ extra: { RSYNC_TRANSPORT: 'ssl' } }), ['RSYNC_EXTRA']).RSYNC_EXTRA).toBe(
      rsyncFiltersOfScript().join(' '),
    );
  });
});

describe("ftpsync's source", () => {
  test.each([
    ['rsync://ftp.example.org/debian', '', 'ftp.example.org', null, 'debian/', null],
    ['rsync://me@ftp.example.org:8730/debian/sub/', '', 'ftp.example.org', '8730', 'debian/sub/', 'me'],
    ['rsync://[2001:db8::1]/debian', '', '2001:db8::1', null, 'debian/', null],
    ['ftp.example.org::debian', '', 'ftp.example.org', null, 'debian/', null],
    ['me@ftp.example.org::debian', 'other', 'ftp.example.org', null, 'other/', 'me'],
    ['ftp.example.org', 'debian', 'ftp.example.org', null, 'debian/', null],
    ['rsync://ftp.example.org', 'debian', 'ftp.example.org', null, 'debian/', null],
  ])('%s with path %j', (url, path, host, port, module, user) => {
    expect(daemonModule(source(url), path)).toEqual({ host, port, path: module, user });
  });

  test.each([
    'ftp.example.org',
    'rsync://ftp.example.org/',
    '/srv/debian',
    'https://x.org/debian',
    'h:/p',
    'h::-x',
  ])('%s is refused', (url) => {
    expect(daemonModule(source(url))).toBeNull();
    const debian = pkg('debian', { synctype: 'ftpsync', sources: [source(url)] });
    expect(ftpsync.check(debian)).toMatchObject([{ code: 'source-scheme', at: '/settings/src' }]);
  });
});
