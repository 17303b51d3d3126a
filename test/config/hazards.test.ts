import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSite } from '../../src/config/index.js';
import { rsyncPackage, siteWith } from './read.js';

const program = fileURLToPath(new URL('../../dist/mirror.cjs', import.meta.url));

/** What is said about a config's hazards: code and pointer of each. */
function said(text: string, isStrict: boolean): string[] {
  const reader = { read: () => Buffer.from(text), glob: () => [], realPath: (path: string) => path };
  const { site, diagnostics } = readSite(reader, '/site/config.json', { node: 'node1', isStrict });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(site).not.toBeNull();
  for (const { span, help } of diagnostics) expect([span, help]).not.toContain(undefined);
  return diagnostics.map(({ code, place }) => `${code} ${place?.pointer ?? ''}`);
}

const env = (name: string): string => siteWith(rsyncPackage('debian', { env: { [name]: 'x' } }));
const words = (...extra: string[]): string =>
  siteWith(rsyncPackage('debian', {}, { options: { extra_args: extra } }));
const notify = (settings: object): string => siteWith(rsyncPackage('debian'), { notify: settings });
const passwordFile = (path: string): string =>
  siteWith(rsyncPackage('debian', {}, { options: { user: 'mirror', password_file: path } }));
const packageOf = (synctype: string, settings: object, options: object): string =>
  siteWith({
    debian: { synctype, syncrate: 'PT6H', settings: { dst: '/srv/debian', ...settings, options } },
  });

const ENV = 'env-code /packages/debian/env';
const ARGS = '/packages/debian/settings/options/extra_args';
const OPTIONS = '/packages/debian/settings/options';

describe('what hardly any site means', () => {
  it.each([
    ...[
      'LD_PRELOAD',
      'LD_LIBRARY_PATH',
      'NODE_OPTIONS',
      'NODE_EXTRA_CA_CERTS',
      'BASH_ENV',
      'ENV',
      'IFS',
      'SHELLOPTS',
      'PS4',
      'GIT_SSH_COMMAND',
      'GIT_SSH',
      'GIT_EXTERNAL_DIFF',
      'GIT_CONFIG_COUNT',
      'RSYNC_RSH',
      'RSYNC_CONNECT_PROG',
      'PERL5LIB',
      'PERL5OPT',
      'PYTHONPATH',
      'SSH_ASKPASS',
    ].map((name): [string, string, string] => [name, env(name), `${ENV}/${name}`]),
    ['--write-devices', words('--write-devices'), `rsync-file ${ARGS}/0`],
    ['--config=…', words('--config=/tmp/x'), `rsync-code ${ARGS}/0`],
    ['/etc/shadow', passwordFile('/etc/shadow'), `foreign-secret ${OPTIONS}/password_file`],
    ['a host key', passwordFile('/etc/ssh/ssh_host_rsa_key'), `foreign-secret ${OPTIONS}/password_file`],
    ['/proc', passwordFile('/proc/1/environ'), `foreign-secret ${OPTIONS}/password_file`],
    [
      'the webhook of a secret',
      notify({ webhook_file: '/etc/shadow' }),
      'foreign-secret /settings/notify/webhook_file',
    ],
  ] satisfies (readonly [string, string, string])[])('is a warning always: %s', (_, config, expected) => {
    expect(said(config, false)).toEqual([expected]);
    expect(said(config, true)).toEqual([expected]);
  });
});

describe('what a reviewer should see', () => {
  it.each([
    ['PATH', env('PATH'), [`${ENV}/PATH`]],
    ['PYTHONUNBUFFERED', env('PYTHONUNBUFFERED'), [`${ENV}/PYTHONUNBUFFERED`]],
    ['GIT_TRACE', env('GIT_TRACE'), [`${ENV}/GIT_TRACE`]],
    ['HOME', env('HOME'), [`${ENV}/HOME`]],
    [
      'env of the site',
      siteWith(rsyncPackage('debian'), { env: { PATH: '/opt/bin' } }),
      ['env-code /settings/env/PATH'],
    ],
    [
      'env of a command',
      packageOf('command', {}, { command: ['sync'], env: { PATH: '/opt/bin' } }),
      [`own-program ${OPTIONS}/command`, `env-code ${OPTIONS}/env/PATH`],
    ],
    ['--rsh=…', words('--rsh=ssh -p 222'), [`rsync-code ${ARGS}/0`]],
    ['--rsh …', words('--rsh', 'sh -c x'), [`rsync-code ${ARGS}/0`]],
    ['-e', words('-e', 'sh -c x'), [`rsync-code ${ARGS}/0`]],
    ['-e in a cluster', words('-ae', 'sh -c x'), [`rsync-code ${ARGS}/0`]],
    ['-e with its value', words('-zesh'), [`rsync-code ${ARGS}/0`]],
    ['--rsync-path', words('--rsync-path=/tmp/x'), [`rsync-code ${ARGS}/0`]],
    ['-M', words('-M--log-file=/tmp/x'), [`rsync-code ${ARGS}/0`]],
    ['--log-file', words('--log-file=/etc/cron.d/x'), [`rsync-file ${ARGS}/0`]],
    ['--files-from', words('--files-from', '/etc/shadow'), [`rsync-file ${ARGS}/0`]],
    ['a merged filter', words('--filter=merge /etc/shadow'), [`rsync-file ${ARGS}/0`]],
    ['--temp-dir elsewhere', words('-T', '/etc'), [`rsync-file ${ARGS}/0`]],
    [
      'base_args',
      siteWith(rsyncPackage('debian', {}, { options: { base_args: ['-a', '--rsh=sh'] } })),
      [`rsync-code ${OPTIONS}/base_args/1`],
    ],
    ['a password in a home', passwordFile('/home/eve/x'), [`foreign-secret ${OPTIONS}/password_file`]],
    [
      'sandbox: off',
      siteWith(rsyncPackage('debian', { sandbox: 'off' })),
      ['sandbox-off /packages/debian/sandbox'],
    ],
    [
      'no sandbox anywhere',
      siteWith(rsyncPackage('debian'), { sandbox: 'off' }),
      ['sandbox-off /settings/sandbox'],
    ],
    [
      'executable',
      siteWith(rsyncPackage('debian'), { executable: '/opt/x' }),
      ['own-program /settings/executable'],
    ],
    ['a command for notices', notify({ command: ['/bin/sh'] }), ['own-program /settings/notify/command']],
    [
      'a program for mail',
      notify({ mail: 'ops@example.org', sendmail: '/opt/x' }),
      ['own-program /settings/notify/sendmail'],
    ],
    [
      'a program for pypi',
      packageOf('bandersnatch', { src: 'https://pypi.org/' }, { program: '/opt/bandersnatch' }),
      [`own-program ${OPTIONS}/program`],
    ],
    [
      'a hook of ftpsync',
      packageOf('ftpsync', { src: 'rsync://up.example.org/debian' }, { extra: { HOOK1: '/opt/x' } }),
      [`own-program ${OPTIONS}/extra/HOOK1`],
    ],
    [
      'words for ftpsync',
      packageOf(
        'ftpsync',
        { src: 'rsync://up.example.org/debian' },
        { extra: { RSYNC_EXTRA: '-v --rsh=sh' } },
      ),
      [`rsync-code ${OPTIONS}/extra/RSYNC_EXTRA`],
    ],
  ])('is a warning of --strict alone: %s', (_, config, expected) => {
    expect(said(config, false)).toEqual([]);
    expect(said(config, true)).toEqual(expected);
  });

  it.each([
    ['a plain package', siteWith(rsyncPackage('debian'))],
    [
      'harmless variables',
      siteWith(rsyncPackage('debian', { env: { LANG: 'C', TZ: 'UTC', RSYNC_PROXY: 'a:1' } })),
    ],
    [
      'harmless words',
      words('--bwlimit=10m', '-z', '--temp-dir=.tmp', '--filter=- *.iso', '--exclude', '-e'),
    ],
    ['a password beside the config', passwordFile('/site/secrets.d/debian')],
    ['a password among the secrets', passwordFile('/etc/mirror/secrets/debian')],
    ['a container secret', passwordFile('/run/secrets/debian')],
    ['a sandbox', siteWith(rsyncPackage('debian', { sandbox: 'strict' }))],
    ['notices by mail', notify({ mail: 'ops@example.org' })],
  ])('is nothing more: %s', (_, config) => {
    expect(said(config, true)).toEqual([]);
  });
});

describe('a source that a program could take for an option', () => {
  it.each([
    'ssh://-oProxyCommand=touch%20x/repo',
    'ssh://%2doProxyCommand=touch/repo',
    'ssh://[-oProxyCommand=touch]/repo',
    'ssh://git@-oProxyCommand=touch/repo',
    'ssh://-oProxyCommand=touch@host/repo',
    'host:-oProxyCommand=touch',
    'git://-x/repo',
  ])('is an error for git: %s', (src) => {
    expect(codes('git', src)).toContain('source-option');
  });

  it.each([
    ['rsync', 'rsync://-x/module'],
    ['rsync', 'u@-x::module'],
    ['rsync', 'host::-module'],
    ['lftp', 'ftp://-x/pub'],
    ['reposync', 'https://-x/pub'],
  ])('is an error for %s: %s', (synctype, src) => {
    expect(codes(synctype, src)).toContain('source-option');
  });

  it.each([
    ['git', 'ssh://git@host-a/-x/repo'],
    ['git', 'git@host:a/-x'],
    ['rsync', 'rsync://host/module/-x/'],
    ['rsync', 'rsync://user:-hunter2@host/module'],
    ['rsync', 'user:-hunter2@host::module'],
  ])('is none for %s: %s', (synctype, src) => {
    expect(codes(synctype, src)).not.toContain('source-option');
  });

  function codes(synctype: string, src: string): string[] {
    const text = packageOf(synctype, { src }, {});
    const reader = { read: () => Buffer.from(text), glob: () => [], realPath: (path: string) => path };
    return readSite(reader, '/site/config.json', { node: 'node1' }).diagnostics.map(({ code }) => code);
  }
});

describe('mirror validate --strict', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirror-hazards-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const validate = (text: string, ...args: string[]): { status: number | null; stdout: string } => {
    const path = join(directory, 'config.json');
    writeFileSync(path, text);
    const { status, stdout } = spawnSync(process.execPath, [program, 'validate', '-c', path, ...args], {
      encoding: 'utf8',
    });
    return { status, stdout };
  };

  it('refuses what runs as root, without walls, or with a password in the config', () => {
    for (const [extra, settings, code] of [
      [{ user: 0 }, {}, 'runs-as-root'],
      [{ user: 'root' }, {}, 'runs-as-root'],
      [{ sandbox: 'off' }, {}, 'sandbox-off'],
      [{}, { options: { user: 'mirror', password: 'hunter2' } }, 'literal-password'],
    ] as const) {
      const { status, stdout } = validate(siteWith(rsyncPackage('debian', extra, settings)), '--strict');
      expect([code, status]).toEqual([code, 78]);
      expect(stdout).toContain(`warning[${code}]`);
      expect(stdout).not.toContain('hunter2');
    }
  });

  it('lets pass what the reviewer accepts, and shows it all the same', () => {
    const text = packageOf('command', {}, { command: ['/opt/sync'], env: { PATH: '/opt' } });
    expect(validate(text)).toMatchObject({ status: 0 });
    expect(validate(text, '--strict').status).toBe(78);
    expect(validate(text, '--strict', '--accept', 'own-program').status).toBe(78);
    const { status, stdout } = validate(text, '--strict', '--accept', 'own-program,env-code');
    expect(status).toBe(0);
    expect(stdout).toContain('warning[own-program]: `command` decides which program or plug-in a run starts');
    expect(validate(text, '--accept', 'own-program').status).toBe(64);
  });

  it('accepts no mistake', () => {
    expect(validate(siteWith({}), '--strict', '--accept', 'no-packages').status).toBe(78);
  });
});
