import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logBases, siteLogFile } from '../../src/model/logs.js';
import { normalizeSettings } from '../../src/model/normalize.js';
import type { Package, Site } from '../../src/model/site.js';
import { formatSize, parseMinFree, parseSize } from '../../src/model/size.js';
import { parseSource } from '../../src/model/source.js';
import { HOST_SETTINGS } from '../support/site-config.js';
import { readDirectory, readFiles, rsyncPackage, siteWith } from './read.js';

function siteOf(packages: object, settings: object = {}, top: object = {}): Site {
  const { site, diagnostics } = readFiles({ 'config.json': siteWith(packages, settings, top) });
  if (!site) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return site;
}

function packageOf(extra: object = {}, settings: object = {}, siteSettings: object = {}): Package {
  const pkg = siteOf(rsyncPackage('debian', extra, settings), siteSettings).packages[0];
  if (!pkg) throw new Error('no package');
  return pkg;
}

test('a note may have any name, `__proto__` too, and its content sets no option', () => {
  const options: unknown = JSON.parse(
    '{ "__proto__": { "user": "evil" }, "_user": "evil", "bwlimit": "5m" }',
  );
  const read = packageOf({}, { options }).options as { user?: string };
  expect(read.user).toBeUndefined();
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  expect(Object.keys(read)).toContain('bwlimit');
  expect(Object.keys(read).filter((key) => key.startsWith('_'))).toEqual([]);
});

describe("mirror.py's example config with new keys", () => {
  const { site, diagnostics } = readDirectory(fileURLToPath(new URL('fixtures/example', import.meta.url)));

  test('loads as it stands', () => {
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(diagnostics.map(({ code }) => code)).toEqual(['fast-retry', 'too-fast']);
    expect(site?.packages.map(({ id }) => id)).toEqual(['ArchLinux', 'CTAN', 'own', 'debian-cd']);
  });

  test('legacy spellings become the new ones', () => {
    const [arch, ctan, own] = site?.packages ?? [];
    expect(arch?.precheck).toEqual({ file: 'lastupdate', fullEvery: 7 * 86400, always: ['lastsync'] });
    expect(arch?.retry).toEqual({ delay: 60, attempts: 3, maxDelay: 3600 });
    expect(arch?.guard).toMatchObject({ deletes: 20000, ratio: 0.1, mount: '/srv/ftp' });
    expect(ctan?.precheck).toBeNull();
    expect(ctan?.interval).toBe(7 * 3600);
    expect(own).toMatchObject({
      synctype: 'local',
      sources: [],
      hidden: true,
      interval: null,
      staleAfter: null,
    });
  });

  test('its settings are all there', () => {
    expect(site?.settings).toMatchObject({
      uid: 'mirror',
      localtimezone: 'Asia/Seoul',
      limits: { concurrent: 6, per_upstream: 2, load_max: null },
      logger: {
        level: 'INFO',
        packagelevel: 'ERROR',
        fileformat: null,
        packagefileformat: { base: '/var/log/mirror/packages', folder: '{year}/{month}/{day}', gzip: true },
      },
    });
  });
});

describe('built-in defaults', () => {
  test('are the documented ones', () => {
    expect(packageOf()).toMatchObject({
      name: 'debian',
      href: '/debian',
      push: false,
      minGap: 0,
      disabled: false,
      hidden: false,
      link: [],
      retry: { delay: 600, attempts: 3, maxDelay: 3600 },
      maxRuntime: 12 * 3600,
      firstSync: { maxRuntime: 7 * 86400 },
      guard: { deletes: 40000, ratio: 0.1, minFree: { share: 0.05 }, mount: null },
      precheck: null,
      acceptExit: {},
      env: {},
      user: 'mirror',
      group: 'mirror',
      umask: '0022',
      sandbox: 'strict',
      resources: { nice: 10, io: { class: 'best-effort', level: 7 }, cpuWeight: null, memoryMax: null },
      keep: { ok: 30 * 86400, failed: 90 * 86400, unchanged: 0, total: 5 * 1024 ** 3 },
      password: null,
      renamedFrom: null,
      options: { ffts: false, safe_links: true, timeout: 600, contimeout: 60 },
    });
    expect(siteOf(rsyncPackage('debian')).settings.limits).toEqual({
      concurrent: 4,
      per_upstream: 1,
      load_max: null,
    });
  });

  test.each([
    ['three intervals', { syncrate: 'P2D' }, 6 * 86400],
    ['a day at least', { syncrate: 'PT1H' }, 86400],
    ['a day for a package that is pushed', { syncrate: 'PUSH' }, 86400],
    ['never without a schedule', { syncrate: '' }, null],
    ['what the package says', { syncrate: 'P2D', stale_after: 'PT5H' }, 5 * 3600],
  ])('stale_after is %s', (_, extra, seconds) => expect(packageOf(extra).staleAfter).toBe(seconds));

  test('a longer retry delay raises the default of the longest one', () => {
    expect(packageOf({ retry: { delay: 'PT2H' } }).retry).toMatchObject({ delay: 7200, maxDelay: 7200 });
  });
});

describe('settings that packages fall back to', () => {
  test('stand below the package, value by value', () => {
    const settings = {
      max_runtime: 'PT6H',
      min_gap: 'PT1H',
      umask: '027',
      sandbox: 'standard',
      guard: { deletes: 5, mount: '/srv' },
      network: { family: 'ipv6', ssh: { port: 22 } },
      env: { A: 'site', B: 'site' },
      resources: { nice: 5, io: 'idle', memory_max: '2G' },
      logger: { keep: { ok: 0, total: '1.5G' } },
      first_sync: { max_runtime: 'P1D' },
    };
    const pkg = packageOf(
      {
        guard: { deletes: 6 },
        network: { ssh: { key: '/k' } },
        env: { B: 'own' },
        logger: { keep: { ok: 'P1D' } },
      },
      {},
      settings,
    );
    expect(pkg).toMatchObject({
      maxRuntime: 6 * 3600,
      minGap: 3600,
      umask: '0027',
      sandbox: 'standard',
      guard: { deletes: 6, mount: '/srv' },
      network: { family: 'ipv6', ssh: { key: '/k', port: 22 } },
      env: { A: 'site', B: 'own' },
      resources: { nice: 5, io: { class: 'idle', level: 0 }, memoryMax: '2G' },
      keep: { ok: 86400, failed: 90 * 86400, total: 1.5 * 1024 ** 3 },
      firstSync: { maxRuntime: 86400 },
    });
  });

  test('errorcontinuetime is the retry delay unless the new key is there', () => {
    expect(packageOf({}, {}, { errorcontinuetime: 900 }).retry.delay).toBe(900);
    expect(packageOf({}, {}, { errorcontinuetime: 900, retry: { delay: 'PT20M' } }).retry.delay).toBe(1200);
    expect(packageOf({ retry: { attempts: 9 } }, {}, { errorcontinuetime: 900 }).retry).toMatchObject({
      delay: 900,
      attempts: 9,
    });
  });

  test('user and group are uid and gid', () => {
    expect(packageOf({ group: 'ftp' }, {}, { uid: 1000, gid: 'www' })).toMatchObject({
      user: 1000,
      group: 'ftp',
    });
  });
});

describe('machines', () => {
  test('a site has the packages of its machine, checked are those of all', () => {
    const packages = {
      ...rsyncPackage('here', { hosts: ['node1', 'other'] }),
      ...rsyncPackage('there', { hosts: ['other'] }),
      ...rsyncPackage('everywhere'),
    };
    const result = readFiles({ 'config.json': siteWith(packages) });
    expect(result.site?.packages.map(({ id }) => id)).toEqual(['here', 'everywhere']);
    expect(result.package('there')?.id).toBe('there');
    expect(siteOf(packages, { node: 'other' }).packages.map(({ id }) => id)).toEqual([
      'here',
      'there',
      'everywhere',
    ]);
  });
});

describe('passwords', () => {
  test('leave the options and the URLs', () => {
    expect(packageOf({}, { options: { user: 'me', password: 'hunter2', _note: 'x' } })).toMatchObject({
      password: { literal: 'hunter2' },
      options: expect.not.objectContaining({ password: 'hunter2', _note: 'x' }) as object,
    });
    const url = packageOf({}, { src: 'rsync://me:hun:ter@2@UP.example.org:8730/x' });
    expect(url.password).toEqual({ literal: 'hun:ter@2', source: 0 });
    const fallback = packageOf(
      {},
      { src: ['rsync://a.example.org/x', 'rsync://me:hunter2@b.example.org/x'] },
    );
    expect(fallback.password).toEqual({ literal: 'hunter2', source: 1 });
    expect(url.sources).toEqual([
      {
        url: 'rsync://me@UP.example.org:8730/x',
        publicUrl: 'rsync://UP.example.org:8730/x',
        host: 'up.example.org',
      },
    ]);
    expect(JSON.stringify(url)).not.toMatch(/hun:ter.*hun:ter/);
  });

  test('a file is a reference', () => {
    expect(packageOf({}, { options: { password_file: '/etc/mirror/secrets/x' } })).toMatchObject({
      password: { file: '/etc/mirror/secrets/x' },
      options: expect.not.objectContaining({ password_file: '/etc/mirror/secrets/x' }) as object,
    });
  });
});

describe('sources', () => {
  test.each([
    ['rsync://h.example.org/m/', 'rsync://h.example.org/m/', 'h.example.org'],
    ['rsync://u@h:873/m', 'rsync://h:873/m', 'h'],
    ['rsync://[2001:db8::1]:873/m', 'rsync://[2001:db8::1]:873/m', '2001:db8::1'],
    ['u@Host::module/x', 'Host::module/x', 'host'],
    ['u@host:/path', 'host:/path', 'host'],
    ['[2001:db8::1]:/x', '[2001:db8::1]:/x', '2001:db8::1'],
    ['/srv/local', '/srv/local', null],
    ['/srv/a:b@c/x', '/srv/a:b@c/x', null],
    ['file:///srv/x', 'file:///srv/x', null],
    ['https://h/a@b', 'https://h/a@b', 'h'],
  ])('%s', (text, publicUrl, host) => expect(parseSource(text).source).toMatchObject({ publicUrl, host }));

  test('a password before `host::module` is one, too', () => {
    const { source, password } = parseSource('bob:s3cr3t@h.example::m');
    expect([source.url, source.publicUrl, password]).toEqual(['bob@h.example::m', 'h.example::m', 's3cr3t']);
    expect(parseSource('h.example:dir@2')).toMatchObject({
      source: { url: 'h.example:dir@2' },
      password: null,
    });
  });

  test('a login is percent-encoded where RFC 3986 is meant, and stands as it is for rsync and ssh', () => {
    const passwords = ['https', 'HTTP', 'ftp', 'ftps', 'rsync', 'ssh'].map(
      (scheme) => parseSource(`${scheme}://bob%40corp:p%2Fw%2525@h/x`).password,
    );
    expect(passwords).toEqual([...Array<string>(4).fill('p/w%25'), 'p%2Fw%2525', 'p%2Fw%2525']);
    // git decodes it itself.
    expect(parseSource('https://bob%40corp:p%2Fw@h/x').source.url).toBe('https://bob%40corp@h/x');
  });

  test.each([
    ['rsync://bob:hunter2/x@u.example/mod', 'login'],
    ['rsync://bob:12/x@u.example/mod', 'login'],
    ['https://bob:hunter@2/x@u.example/mod', 'login'],
    ['bob:hunter2/x@u.example::mod', 'login'],
    ['bob:hunter@2@u.example::mod', 'login'],
    ['bob:/hunter2@[2001:db8::1]:/srv', 'login'],
    ['https://bob:hunter2%zz@h/', 'encoding'],
    ['ftp://100%@h/', 'encoding'],
    ['http://bob%0Ax@h/', 'encoding'],
    ['http://bob:hunter2%ff@h/', 'encoding'],
    ['rsync://bob:hunter2%zz@h/mod', null],
    ['rsync://h:port/mod', 'port'],
    ['rsync://h:99999/mod', 'port'],
    ['rsync://h:0/mod', 'port'],
    ['rsync://h:/mod', 'port'],
    ['rsync://2001:db8::1/mod', 'port'],
    ['rsync://bob:p?s#w@rd@h:65535/mod', null],
    ['rsync://[2001:db8::1]:873/a@b', 'login'],
    ['rsync://[2001:db8::1]/a@b', null],
    ['bob@h:/srv/a@b:c', null],
    ['h::module/a@b', null],
    ['h:/srv/a@b', null],
    ['file://x:y@z/a@b', null],
  ])('%s has %s wrong', (text, wrong) => {
    const { source, wrong: found } = parseSource(text);
    expect(found).toBe(wrong);
    expect(source.url + source.publicUrl).not.toMatch(/hunter|p\?s#w/);
  });

  test('nothing public ever has a password, whatever the text', () => {
    const part = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => !/[/\s]/.test(text));
    fc.assert(
      fc.property(
        part.filter((user) => !user.includes(':') && !user.includes('@')),
        part,
        (user, host) => {
          const { source, password } = parseSource(
            `rsync://${user}:s3cr3t-w0rd@${host.replaceAll('@', '')}/x`,
          );
          const slashed = parseSource(`rsync://${user}:a/s3cr3t-w0rd@${host}/x`);
          expect(slashed.wrong).toBe('login');
          expect(slashed.source.url + slashed.source.publicUrl).not.toContain('s3cr3t-w0rd');
          expect(password).toBe('s3cr3t-w0rd');
          expect(source.url + source.publicUrl).not.toContain('s3cr3t-w0rd');
          expect(source.publicUrl).not.toContain(`${user}@`);
        },
      ),
    );
  });
});

describe('sizes', () => {
  test('parse and print', () => {
    expect(['4096', '5K', '1.5G', '2T', '5X', '', '-1'].map(parseSize)).toEqual([
      4096,
      5120,
      1.5 * 1024 ** 3,
      2 * 1024 ** 4,
      null,
      null,
      null,
    ]);
    expect([5 * 1024 ** 3, 1536, 1000, 0].map(formatSize)).toEqual(['5G', '1536', '1000', '0']);
    expect(['5%', '0%', '100%', '2.5%', '101%', '10G', 'x'].map(parseMinFree)).toEqual([
      { share: 0.05 },
      { share: 0 },
      { share: 1 },
      { share: 0.025 },
      null,
      { bytes: 10 * 1024 ** 3 },
      null,
    ]);
  });

  test('the site has a log of its own where it says so: one file beside the logs of runs', () => {
    const log = (logger: object): unknown => {
      const { settings } = normalizeSettings({ ...HOST_SETTINGS, logfolder: '/var/log/', logger }, 'n');
      return [settings.logger.fileformat, logBases(settings.logger), siteLogFile(settings.logger)];
    };
    const mirrorLog = { base: '/var/log', folder: '', filename: 'mirror.log', gzip: true };
    const file = { path: '/var/log/mirror.log', gzip: true };
    expect(log({})).toEqual([null, ['/var/log/packages'], null]);
    expect(log({ fileformat: {} })).toEqual([mirrorLog, ['/var/log/packages', '/var/log'], file]);
    const daily = { base: '/l/', folder: '{year}', filename: 'm.log', gzip: false };
    expect(log({ fileformat: daily, packagefileformat: { base: '/l' } })).toEqual([
      { ...daily, base: '/l' },
      ['/l'],
      null,
    ]);
  });

  test('paths are compared without doubled and trailing slashes', () => {
    const settings = {
      logfolder: '/var//log/',
      webroot: '/',
      statusfile: '/a/b',
      statfile: '/c/d',
      localtimezone: 'UTC',
    };
    expect(normalizeSettings(settings, 'n').settings).toMatchObject({
      logfolder: '/var/log',
      webroot: '/',
      logger: { packagefileformat: { base: '/var/log/packages' } },
    });
  });
});
