import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Artifact } from '../../src/compile/artifact.js';
import { compile } from '../../src/compile/index.js';
import { backstopSeconds } from '../../src/job/longest.js';
import type { Package, Settings } from '../../src/model/site.js';
import { parseSource } from '../../src/model/source.js';
import { pathProblem } from '../../src/schedulers/systemd/escape.js';
import { span } from '../../src/schedulers/systemd/service.js';
import { ALL_RESOURCES, HERE, pkg, site, source } from '../compile/site.js';

const scratch = mkdtempSync(join(tmpdir(), 'mirror-units-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A program that is there, for `systemd-analyze verify`. */
const CONTEXT = { ...HERE, executable: '/bin/true' };

function units(
  packages: readonly Package[],
  settings: Partial<Settings> = {},
  mirrorname = 'Example',
): Map<string, string> {
  const { artifacts } = compile({ ...site(packages, settings), mirrorname }, CONTEXT);
  const files = artifacts.flatMap((artifact): [string, string][] =>
    artifact.kind === 'file' && artifact.path.startsWith(HERE.layout.units)
      ? [[artifact.path.slice(HERE.layout.units.length + 1), artifact.content]]
      : [],
  );
  return new Map(files);
}

function write(files: ReadonlyMap<string, string>): string[] {
  const directory = mkdtempSync(join(scratch, 'set-'));
  mkdirSync(directory, { recursive: true });
  return [...files].map(([name, content]) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  });
}

/** Everything that systemd has to say against the units; empty when all is well. */
function verify(files: ReadonlyMap<string, string>): string {
  const result = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', '--recursive-errors=no', ...write(files)],
    {
      encoding: 'utf8',
    },
  );
  return `${result.status === 0 ? '' : `exit ${String(result.status)}\n`}${result.stderr}`;
}

/** Values of a key in a unit, in order. */
function values(text: string | undefined, key: string): string[] {
  return (text ?? '')
    .split('\n')
    .flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
}

describe('generated units', () => {
  const some = [
    pkg('ArchLinux', { syncrate: 'PT1H' }),
    pkg('CTAN', { syncrate: 'PT7H' }),
    pkg('gtk+', { syncrate: 'PT90M', sandbox: 'standard' }),
    pkg('own', { synctype: 'local', syncrate: '', sources: [] }),
    pkg('pushed', { syncrate: 'PUSH' }),
    pkg('off', { disabled: true }),
    pkg('open', { sandbox: 'off', user: 0, group: 0 }),
    pkg('root', { user: 'root', group: 'root' }),
    pkg('limited', {
      resources: ALL_RESOURCES,
      password: { file: '/etc/mirror/secrets/100% ours' },
      group: 'www-data',
      umask: '0002',
    }),
  ];

  it('please systemd-analyze verify, every one', () => {
    expect(verify(units(some))).toBe('');
  });

  it('have a timer only where there are slots, enabled by a link', () => {
    const names = [...units(some).keys()];
    expect(names.filter((name) => name.endsWith('.timer'))).toEqual([
      'mirror-sync-ArchLinux.timer',
      'mirror-sync-CTAN.timer',
      'mirror-sync-gtk\\x2b.timer',
      'mirror-sync-limited.timer',
      'mirror-sync-open.timer',
      'mirror-sync-root.timer',
      'mirror-tick.timer',
    ]);
    expect(names.filter((name) => name.endsWith('.service'))).toHaveLength(some.length + 3);
    const links = compile(site(some), CONTEXT).artifacts.filter((artifact) => artifact.kind === 'link');
    expect(links.map(({ path, target }) => `${path} → ${target}`)).toContain(
      '/etc/systemd/system/timers.target.wants/mirror-sync-gtk\\x2b.timer → ../mirror-sync-gtk\\x2b.timer',
    );
    expect(links).toHaveLength(9);
  });

  it('have an exposure of at most 1.5, those of root of at most 2.0', () => {
    const notify: NonNullable<Settings['notify']> = {
      ...{ afterFailures: 3, command: ['/bin/true'], mail: 'root', sendmail: '/usr/sbin/sendmail' },
      ...{ webhook: { file: '/etc/mirror/hook' }, sandbox: 'strict' },
    };
    const more = [
      pkg('home', { dst: '/home/ftp/x' }),
      pkg('tmp', { dst: '/var/tmp/x', user: 'other' }),
      pkg('homely', { dst: '/home/ftp/y', sandbox: 'standard' }),
      pkg('loopback', { sources: [source('rsync://127.0.0.1/x')] }),
      pkg('script', { synctype: 'command', sources: [], options: { command: ['/bin/true'] } }),
      pkg('rootscript', { synctype: 'command', sources: [], user: 0, options: { command: ['/bin/true'] } }),
      pkg('rootlocal', { user: 'root', sources: [source('rsync://localhost/x')] }),
    ];
    const files = units([...some, ...more], { notify });
    const services = [...files].filter(([name]) => name.endsWith('.service'));
    // `sandbox: off` is the exception, and plan warns of it.
    const walled = services.filter(([name]) => name !== 'mirror-sync-open.service');
    expect(services).toHaveLength(some.length + more.length + 4);
    const report = execFileSync(
      'systemd-analyze',
      ['security', '--offline=true', '--no-pager', ...write(new Map(walled))],
      { encoding: 'utf8' },
    );
    const exposures = [...report.matchAll(/Overall exposure level for (\S+): ([\d.]+)/g)];
    expect(exposures).toHaveLength(walled.length);
    const open = exposures.filter(
      ([, name = '', exposure]) => Number(exposure) > (/sync-root/.test(name) ? 2 : 1.5),
    );
    expect(open.map(([line]) => line)).toEqual([]);
  });

  it('deny the addresses of this machine and of its link unless one of the package’s hosts is there', () => {
    const rule = (change: Parameters<typeof pkg>[1], nameServers: string[] = []): string[] => {
      const { artifacts } = compile(site([pkg('x', change)]), { ...CONTEXT, nameServers });
      const unit = artifacts.find(({ path }) => path.endsWith('mirror-sync-x.service'));
      const text = unit?.kind === 'file' ? unit.content : '';
      return [...values(text, 'IPAddressAllow'), ...values(text, 'IPAddressDeny')];
    };
    const from = (url: string): Parameters<typeof pkg>[1] => {
      const parsed = parseSource(url).source;
      return { sources: [source('rsync://up.example.org/x'), parsed] };
    };
    const stubs = '127.0.0.53 127.0.0.54';
    const usual = [stubs, 'localhost link-local multicast'];
    expect(rule({})).toEqual(usual);
    // A name may mean anything, so it opens nothing.
    expect(rule(from('http://localhost.example.org/x'))).toEqual(usual);
    for (const url of ['http://127.0.0.1:80/x', 'http://[::1]/x', 'rsync://localhost/x', 'me@127.1.2.3:/x'])
      expect(rule(from(url)), url).toEqual(['link-local multicast']);
    expect(rule({ network: { proxy: '127.0.0.1:3128' } })).toEqual(['link-local multicast']);
    expect(rule({ env: { RSYNC_PROXY: 'localhost:3128' } })).toEqual(['link-local multicast']);
    expect(rule(from('http://169.254.1.2/x'))).toEqual([stubs, 'localhost multicast']);
    expect(rule({ synctype: 'command', options: { command: ['/bin/true'] } })).toEqual([
      'link-local multicast',
    ]);
    // The machine's own name servers, wherever they are.
    expect(rule({}, ['127.0.0.1', '192.0.2.1', '169.254.169.253', '::1'])).toEqual([
      `${stubs} 127.0.0.1 169.254.169.253 ::1`,
      'localhost link-local multicast',
    ]);
    expect(rule({ network: { deny: ['private'], allow: ['10.1.0.0/16'] } }, ['192.168.1.1'])).toEqual([
      `${stubs} 192.168.1.1 10.1.0.0/16`,
      'localhost link-local multicast 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7',
    ]);
    expect(rule({ sandbox: 'off' })).toEqual([]);
    const wrong = pkg('x', {
      network: { allow: ['300.1.1.1', '10.0.0.0/33', '::1', '2001:db8::/32', '1::2::3'] },
    });
    const { findings } = compile(site([wrong]), CONTEXT);
    expect(findings.filter(({ code }) => code === 'bad-address').map(({ message }) => message)).toEqual(
      ['300.1.1.1', '10.0.0.0/33', '1::2::3'].map(
        (text) => `\`${text}\` is not an IP address or a prefix of one`,
      ),
    );
    const [allow = '', deny] = rule({ user: 'root' });
    expect(deny).toBe('any');
    expect(allow).toContain('128.0.0.0/3');
    expect(allow).not.toMatch(/127\.0\.0\.0|169\.254\.0\.0/);
  });

  it('let a run write to dst, its logs, state and what publishing writes, and nothing else', () => {
    const service = units(some).get('mirror-sync-ArchLinux.service');
    expect(values(service, 'ProtectSystem')).toEqual(['strict']);
    expect(values(service, 'ReadWritePaths')).toEqual([
      '-/srv/ftp/ArchLinux',
      '/var/lib/mirror',
      '-/var/log/mirror/packages',
      '-/var/www/mirror',
    ]);
    expect(values(service, 'ExecStart')).toEqual(['"/bin/true" run --scheduled "ArchLinux"']);
    expect(values(service, 'ExecStopPost')).toEqual(['-"/bin/true" publish']);
  });

  it('let it write to the site’s log where there is one', () => {
    const fileformat = { base: '/var/log/mirror', folder: '', filename: 'mirror.log', gzip: true };
    const { logger } = site(some).settings;
    const service = units(some, { logger: { ...logger, fileformat } }).get('mirror-sync-ArchLinux.service');
    expect(values(service, 'ReadWritePaths')).toContain('-/var/log/mirror');
  });

  it('open homes, /tmp and user namespaces only to a run that has a path or a user there', () => {
    const key = { key: '/home/mirror/.ssh/id', knownHosts: '/etc/ssh/known', port: null };
    const ssh = (id: string, keys: Partial<typeof key>): Package => {
      const base = pkg(id);
      return pkg(id, {
        sources: [{ ...source('mirror@up.example.org:/x'), host: 'up.example.org' }],
        network: { ...base.network, ssh: { ...base.network.ssh, ...keys } },
      });
    };
    const all = units([
      pkg('plain'),
      pkg('home', { dst: '/home/ftp/x' }),
      pkg('tmp', { dst: '/var/tmp/x' }),
      pkg('root', { user: 0, group: 0 }),
      ssh('keyed', key),
      ssh('etc', { key: '/etc/mirror/id', knownHosts: '/etc/mirror/known' }),
      ssh('bare', {}),
    ]);
    const walls = (id: string): string[] =>
      ['ProtectHome', 'PrivateTmp', 'PrivateUsers'].flatMap((name) =>
        values(all.get(`mirror-sync-${id}.service`), name),
      );
    expect(walls('plain')).toEqual(['yes', 'yes', 'yes']);
    expect(walls('home')).toEqual(['read-only', 'yes', 'yes']);
    expect(walls('tmp')).toEqual(['yes', 'no', 'yes']);
    expect(walls('root')).toEqual(['yes', 'yes', 'no']);
    expect(walls('keyed')).toEqual(['read-only', 'yes', 'yes']);
    expect(walls('etc')).toEqual(['yes', 'yes', 'yes']);
    expect(walls('bare')).toEqual(['read-only', 'yes', 'yes']);
  });

  it('hand a password over as a credential and never as text', () => {
    const service = units([pkg('debian', { password: { literal: 'hunter2' } })]).get(
      'mirror-sync-debian.service',
    );
    expect(values(service, 'LoadCredential')).toEqual(['password:/etc/mirror/secrets/debian.password']);
    expect(service).not.toContain('hunter2');
  });

  it('use nothing newer than systemd 249 unless the config says so', () => {
    expect([...units(some).values()].join('')).not.toContain('DeferReactivation');
    const newer = units(some, { systemd: { version: 257 } });
    expect(values(newer.get('mirror-sync-CTAN.timer'), 'DeferReactivation')).toEqual(['true']);
  });

  it('have a backstop an hour beyond the longest run that keeps its limits', () => {
    const job = compile(site([pkg('debian', { syncrate: 'PT6H' })]), HERE).jobs.get('debian');
    if (!job) throw new Error('no job');
    // It begins within six hours and a half, lasts a week, and has an hour for what the executor does itself.
    expect(span(backstopSeconds(job))).toBe('7d 8h 30min');
    expect(backstopSeconds({ ...job, min_gap: 5 })).toBe(backstopSeconds(job) + 5);
    const service = units([pkg('debian', { syncrate: 'PT6H' })]).get('mirror-sync-debian.service') ?? '';
    expect(service).toContain('RuntimeMaxSec=7d 8h 30min\n');
    expect(span(0)).toBe('0');
  });
});

const HOSTILE = [
  'quotes "double" and \'single\'',
  'percent %H %% %Q',
  'dollar $HOME ${PATH} $$',
  'semicolon ; rm -rf / ;',
  'back\\slash\\n at the end\\',
  'line\nExecStart=/bin/evil',
  'line\r\n[Service]\nUser=root',
  'tab\tand\u0000nul\u0007bell\u001b[31m',
  'ünïcödé 鏡 🪞',
  'right-to-left \u202e and separators \u2028 \u2029',
  'half a pair \ud83e',
  '  blanks around  ',
  '# comment',
  'x'.repeat(4096),
  '',
];

describe('hostile text in a config', () => {
  it('stays text: every unit still says the same to systemd', () => {
    const friendly = structure(units([pkg('debian')]));
    for (const text of HOSTILE) {
      const files = units(
        [
          pkg('debian', {
            name: text,
            link: [{ rel: text, href: `https://example.org/${text}` }],
            href: text,
          }),
        ],
        { maintainer: { name: text, email: text } },
        text,
      );
      expect(verify(files), JSON.stringify(text.slice(0, 40))).toBe('');
      expect(structure(files)).toEqual(friendly);
      // It would join the next line.
      for (const content of files.values()) expect(content).not.toMatch(/\\$/m);
      for (const content of files.values()) expect(Buffer.from(content).toString()).toBe(content);
    }
  });

  it('in a path is quoted for systemd, or refused before anything is written', () => {
    for (const text of HOSTILE) {
      const path = `/srv/ftp/${text}`;
      const compilation = compile(
        site([pkg('debian', { dst: path, password: { file: path } })], {
          statfile: `/var/${text}/stat.json`,
        }),
        CONTEXT,
      );
      const refused = compilation.findings.some(({ severity }) => severity === 'error');
      if (refused) {
        expect(compilation.artifacts.filter(isUnit)).toEqual([]);
        continue;
      }
      const files = new Map(
        compilation.artifacts.filter(isUnit).map((unit) => [unit.path.replace(/.*\//, ''), unit.content]),
      );
      expect(verify(files), text).toBe('');
      const lines = values(files.get('mirror-sync-debian.service'), 'ReadWritePaths');
      expect(lines.map(unquote)).toEqual([
        `-${path}`,
        '/var/lib/mirror',
        '-/var/log/mirror/packages',
        `-/var/${text}`,
        '-/var/www/mirror',
      ]);
    }
  });

  it('of any kind, a hundred packages of it, is one clean set of units', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(unit, unit, unit), { minLength: 100, maxLength: 100 }), (texts) => {
        const packages = texts.map(([name, directory, href], i) => {
          const dst = `/srv/ftp/${directory}`;
          return pkg(`p${i}`, {
            name,
            link: [{ rel: 'HOME', href: `https://example.org/${href}` }],
            dst: pathProblem(dst) === null ? dst : `/srv/ftp/${i}`,
          });
        });
        const files = units(packages);
        expect(verify(files)).toBe('');
        expect([...files.keys()]).toHaveLength(2 * 100 + 7);
        packages.forEach(({ id, dst }) => {
          const lines = values(files.get(`mirror-sync-${id}.service`), 'ReadWritePaths');
          expect(unquote(lines[0] ?? '')).toBe(`-${dst}`);
          expect(values(files.get(`mirror-sync-${id}.service`), 'ExecStart')).toHaveLength(1);
        });
      }),
      { numRuns: 6, seed: 2026, endOnFailure: true },
    );
  });

  it('in an account, a program or an id is refused', () => {
    for (const text of [...HOSTILE, '-x', 'a b', 'root\nUser=x', '../x']) {
      const bad = compile(site([pkg('debian', { user: text })]), CONTEXT);
      expect(bad.findings.map(({ code }) => code)).toEqual(['bad-account']);
      const program = compile(site([pkg('debian')]), { ...HERE, executable: `/usr/bin/${text};` });
      expect(program.findings.map(({ code }) => code)).toEqual(['bad-executable']);
      expect(program.artifacts.filter(isUnit)).toEqual([]);
      expect(() => compile(site([pkg(`a/${text}`)]), CONTEXT)).toThrow('was not checked');
    }
  });
});

function isUnit(artifact: Artifact): artifact is Extract<Artifact, { kind: 'file' }> {
  return artifact.kind === 'file' && artifact.path.startsWith('/etc/systemd/');
}

/** Sections and keys of all units, without free text. */
function structure(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([name, content]) =>
    content
      .split('\n')
      .filter((line) => !/^(#|Documentation=)/.test(line))
      .map((line) => `${name}: ${line.startsWith('Description=') ? 'Description' : line}`),
  );
}

/** What systemd reads from one quoted item, with its specifiers resolved. */
function unquote(item: string): string {
  const bare = item.startsWith('"') ? item.slice(1, -1).replace(/\\(.)/gs, '$1') : item;
  return bare.replaceAll('%%', '%');
}
