import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import siteSchema from '../../schemas/site.schema.json' with { type: 'json' };
import { commands } from '../../src/commands/index.js';
import { EXIT } from '../../src/job/outcome.js';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { BED } from '../bed/site.js';
import { siteConfig } from '../support/site-config.js';

const missing = (...tools: string[]): string =>
  tools.filter((tool) => !existsSync(`/usr/bin/${tool}`)).join(', ');
const noDeb = missing('dpkg-deb');
/** Whether node comes from a package here, so that dpkg can check the dependency. */
const isNodePackaged = spawnSync('dpkg-query', ['-W', 'nodejs']).status === 0;

describe.skipIf(noDeb !== '')(`the Debian package${noDeb && ` (skipped: no ${noDeb})`}`, () => {
  let directory: string;
  let deb: string;
  let tree: string;
  const build = (to: string): string =>
    execFileSync(process.execPath, [join(import.meta.dirname, '../../packaging/deb.mjs'), to], {
      encoding: 'utf8',
      env: { ...process.env, SOURCE_DATE_EPOCH: '1795345000' },
    }).trim();

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirror-deb-'));
    deb = build(directory);
    tree = join(directory, 'tree');
    execFileSync('dpkg-deb', ['-x', deb, tree]);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const page = (path: string): string => gunzipSync(readFileSync(join(tree, path))).toString('utf8');

  it('is the same twice', () => {
    const again = build(join(directory, 'again'));
    expect(readFileSync(again).equals(readFileSync(deb))).toBe(true);
  });

  const noLintian = missing('lintian');
  it.skipIf(noLintian !== '')(`passes lintian${noLintian && ' (skipped: no lintian)'}`, () => {
    const { status, stdout } = spawnSync('lintian', ['--fail-on', 'error,warning', '--allow-root', deb], {
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, '']);
  });

  const noMandoc = missing('mandoc');
  it.skipIf(noMandoc !== '')(`has man pages that mandoc likes${noMandoc && ' (skipped: no mandoc)'}`, () => {
    for (const name of ['man8/mirror.8', 'man5/mirror.json.5']) {
      const file = join(directory, 'page');
      writeFileSync(file, page(`usr/share/man/${name}.gz`));
      const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'style', file], { encoding: 'utf8' });
      // Other pages are not installed everywhere.
      const complaints = stdout.split('\n').filter((line) => !/^$|referenced manual not found/.test(line));
      expect(complaints).toEqual([]);
    }
  });

  it('tells of every command, exit code and setting in its man pages', () => {
    const [manual, format] = [
      page('usr/share/man/man8/mirror.8.gz'),
      page('usr/share/man/man5/mirror.json.5.gz'),
    ];
    const names = commands
      .filter(({ describe: about }) => about)
      .map(({ command }) => String(command).split(/[ ,]/)[0]);
    expect(names.filter((name) => !manual.includes(`.Nm mirror Cm ${String(name)}`))).toEqual([]);
    expect(Object.values(EXIT).filter((code) => !manual.includes(`.It ${code}\n`))).toEqual([]);
    const keys = Object.keys(siteSchema.properties.settings.properties);
    expect(keys.filter((key) => !format.includes(`.It Cm ${key}\n`))).toEqual([]);
  });

  describe.skipIf(noBed !== null)(`in a live system${noBed === null ? '' : ` (skipped: ${noBed})`}`, () => {
    let bed: Bed;
    const install = (): string =>
      bed.must('dpkg', ...(isNodePackaged ? [] : ['--force-depends']), '-i', '/root/mirror.deb');

    const compiled = (): string[] =>
      readdirSync(join(bed.root, 'usr/lib/mirror')).filter((file) => file.endsWith('.cache'));
    let node: string;

    beforeAll(async () => {
      bed = await bootBed();
      node = `${bed.must('node', '-p', '`${process.version}-${process.arch}`').trim()}.cache`;
      copyFileSync(deb, join(bed.root, 'root/mirror.deb'));
      bed.write('/opt/sync', '#!/bin/sh\ndate >"$MIRROR_DST/file"\n', 0o755);
      mkdirSync(join(bed.root, 'srv/ftp'), { recursive: true });
    });
    afterAll(() => bed.stop());

    it(`installs with dpkg${isNodePackaged ? '' : ' (dependency on nodejs not checked: node is no package here)'}`, () => {
      expect(install()).toContain('mirror: next, run: mirror setup');
      expect(bed.must('mirror', '--version').trim()).toBe('0.1.0');
      expect(bed.must('stat', '-c', '%U:%G %a', '/var/lib/mirror/state')).toBe('mirror:mirror 2775\n');
      expect(bed.must('dpkg', '--verify', 'mirror')).toBe('');
      expect(compiled()).toEqual(
        ['control', 'publish', 'run', 'special'].map((name) => `${name}.cjs.${node}`),
      );
    });

    it('compiles anew for a Node that has been upgraded', () => {
      const dir = join(bed.root, 'usr/lib/mirror');
      for (const name of compiled()) renameSync(join(dir, name), join(dir, `${name}.older.cache`));
      bed.must('dpkg-trigger', '--no-await', '/usr/bin/node');
      bed.must('dpkg', '--triggers-only', 'mirror');
      expect(compiled()).toEqual(
        ['control', 'publish', 'run', 'special'].map((name) => `${name}.cjs.${node}`),
      );
    });

    it('leaves setup nothing to write for other programs', () => {
      const done = bed.must('mirror', 'setup');
      expect(done).toContain('wrote a default config');
      for (const path of ['/etc/sysusers.d', '/etc/tmpfiles.d', '/etc/logrotate.d'])
        expect(done).not.toContain(path);
    });

    it('runs a site by /usr/bin/mirror, whatever PATH says', () => {
      const one = {
        synctype: 'command',
        syncrate: 'PT6H',
        guard: { min_free: '0%' },
        settings: { src: '', dst: '/srv/ftp/one', options: { command: ['/opt/sync'] } },
      };
      const site = siteConfig({ one }, { localtimezone: 'Asia/Seoul' }, BED);
      bed.write('/etc/mirror/config.json', JSON.stringify(site));
      bed.must('mirror', 'setup');
      bed.must('mirror', 'apply');
      expect(bed.must('systemctl', 'show', '-P', 'ExecStart', 'mirror-sync-one')).toContain(
        'argv[]=/usr/bin/mirror run --scheduled one ;',
      );
      bed.must('mirror', 'run', 'one');
      expect(bed.exists('/srv/ftp/one/file')).toBe(true);
    });

    it('completes commands, options and the ids of applied packages', () => {
      const script = join(tree, 'usr/share/bash-completion/completions/mirror');
      bed.write('/root/completion', readFileSync(script, 'utf8'));
      const complete = (...words: string[]): string[] =>
        bed
          .must(
            'bash',
            '-c',
            'source /root/completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mirror_yargs_completions; printf "%s\\n" "${COMPREPLY[@]}"',
            'bash',
            ...words,
          )
          .split('\n')
          .filter(Boolean);
      expect(complete('mirror', 'unh')).toEqual(['unhold']);
      expect(complete('mirror', 'run', '')).toEqual(['one']);
      expect(complete('mirror', 'hold', 'x')).toEqual([]);
      expect(complete('mirror', 'run', '--allow')).toEqual(['--allow-deletes']);
      expect(readFileSync(join(tree, 'usr/share/zsh/vendor-completions/_mirror'), 'utf8')).toMatch(
        /^#compdef mirror\n/,
      );
    });

    it('removed, leaves config, data, state and logs, and nothing that calls it', () => {
      bed.must('dpkg', '-r', 'mirror');
      for (const path of ['/usr/bin/mirror', '/usr/lib/mirror', '/etc/systemd/system/mirror-sync-one.timer'])
        expect(bed.exists(path), path).toBe(false);
      expect(
        bed.must('systemctl', 'list-units', '--plain', '--no-legend', '--state=active', 'mirror*.timer'),
      ).toBe('');
      for (const path of [
        '/etc/mirror/config.json',
        '/srv/ftp/one/file',
        '/var/lib/mirror/state/one.json',
        '/var/www/mirror/status.json',
      ])
        expect(bed.exists(path), path).toBe(true);
      expect(bed.must('find', '/var/log/mirror', '-type', 'f')).not.toBe('');
    });

    it('installed again, goes on where it was', () => {
      install();
      bed.must('mirror', 'setup');
      bed.must('mirror', 'apply');
      expect(bed.must('systemctl', 'is-active', 'mirror-sync-one.timer')).toBe('active\n');
      expect(bed.must('mirror', 'history', 'one')).toContain('synced');
    });

    it('is upgraded without touching a timer', () => {
      const since = bed.must(
        'systemctl',
        'show',
        '-P',
        'ActiveEnterTimestampMonotonic',
        'mirror-sync-one.timer',
      );
      install();
      expect(
        bed.must('systemctl', 'show', '-P', 'ActiveEnterTimestampMonotonic', 'mirror-sync-one.timer'),
      ).toBe(since);
    });

    it('is upgraded, and removed, though the mirror user has put links into its directory', () => {
      const facts = (): string => bed.must('stat', '-c', '%U:%G %a', '/etc', '/root', '/etc/mirror');
      const before = facts();
      for (const [name, target] of [
        ['waiting', '/etc'],
        ['work', '/root'],
        ['hold', '/etc/mirror/compiled/jobs'],
      ] as const) {
        bed.must('mv', `/var/lib/mirror/${name}`, `/var/lib/mirror/${name}.own`);
        bed.must(
          'setpriv',
          '--reuid=mirror',
          '--regid=mirror',
          '--clear-groups',
          'ln',
          '-s',
          target,
          `/var/lib/mirror/${name}`,
        );
      }
      install();
      expect(bed.must('dpkg-query', '-W', '-f', '${Status}', 'mirror')).toBe('install ok installed');
      expect(facts()).toBe(before);
      bed.must('dpkg', '-r', 'mirror');
      expect(facts()).toBe(before);
    });

    it('purged, still leaves config and data', () => {
      const said = bed.must('dpkg', '-P', 'mirror');
      expect(said).toContain('mirror: left in place: /etc/mirror');
      expect(bed.exists('/etc/logrotate.d/mirror')).toBe(false);
      for (const path of ['/etc/mirror/config.json', '/srv/ftp/one/file', '/var/lib/mirror/state/one.json'])
        expect(bed.exists(path), path).toBe(true);
    });
  });
});
