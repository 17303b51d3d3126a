import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.js';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { liveSite, pkg, type LiveSite } from '../bed/site.js';
import { BANDERSNATCH } from '../support/pypi.js';
import { onPath } from '../support/tools.js';
import {
  PASSWORD,
  UPSTREAM,
  installBandersnatch,
  makeUpstreams,
  serveUpstreams,
} from './method-upstreams.js';
import type { Ports } from './method-upstreams.js';

/** What a package of each method needs, and a file that its first run brings. */
const TABLE: Readonly<
  Record<string, { tools: string[]; settings: (ports: Ports) => Record<string, unknown>; brings: string }>
> = {
  'apt-mirror': {
    tools: ['apt-mirror'],
    settings: () => ({
      src: 'http://127.0.0.1:8080/debian',
      options: { dists: ['stable'], source: false, keyring: [`${UPSTREAM}/public.gpg`] },
    }),
    brings: 'pool/main/b/bash/bash_1.0_amd64.deb',
  },
  bandersnatch: {
    tools: [],
    settings: ({ pypi }) => ({
      src: `http://127.0.0.1:${String(pypi)}`,
      options: { program: '/opt/bandersnatch/bin/bandersnatch' },
    }),
    brings: 'web/packages/alpha/1.0/alpha-1.0-py3-none-any.whl',
  },
  command: {
    tools: [],
    settings: () => ({ src: '', options: { command: ['/usr/bin/touch', 'made'] } }),
    brings: 'made',
  },
  debmirror: {
    tools: ['debmirror'],
    settings: () => ({
      src: 'http://127.0.0.1:8080/debian',
      options: { dists: ['stable'], source: false, keyring: [`${UPSTREAM}/public.gpg`] },
    }),
    brings: 'pool/main/b/bash/bash_1.0_amd64.deb',
  },
  ftpsync: {
    tools: ['ftpsync'],
    settings: () => ({ src: 'rsync://127.0.0.1/pub/debian' }),
    brings: 'pool/main/b/bash/bash_1.0_amd64.deb',
  },
  git: {
    tools: ['git'],
    settings: () => ({ src: 'http://127.0.0.1:8080/hello.git' }),
    brings: 'HEAD',
  },
  jigdo: {
    tools: ['jigdo-mirror', 'jigdo-file', 'wget'],
    settings: () => ({
      src: 'rsync://127.0.0.1/pub/cd',
      options: { debian_mirror: `file:${UPSTREAM}/archive` },
    }),
    brings: '13.1.0/amd64/iso-dvd/debian-13.1.0-amd64-DVD-1.iso',
  },
  lftp: {
    tools: ['lftp'],
    settings: ({ ftp }) => ({
      src: `ftp://127.0.0.1:${String(ftp)}/`,
      options: { user: 'me', password: PASSWORD },
    }),
    brings: 'file',
  },
  local: { tools: [], settings: () => ({ src: '' }), brings: '.' },
  'quick-fedora': {
    tools: ['rsync'],
    settings: () => ({ src: 'rsync://127.0.0.1/pub/buffet', options: { modules: ['fedora'] } }),
    brings: 'fedora/linux/a.rpm',
  },
  reposync: {
    tools: ['dnf', 'createrepo_c', 'rpmbuild'],
    settings: () => ({
      src: 'http://127.0.0.1:8080/rocky',
      options: { keys: [`${UPSTREAM}/public.asc`], check_metadata_gpg: true },
    }),
    brings: 'Packages/bash-1.0-1.noarch.rpm',
  },
  rsync: {
    tools: ['rsync'],
    settings: () => ({
      src: 'rsync://127.0.0.1/locked',
      options: { user: 'me', password: PASSWORD },
    }),
    brings: 'file',
  },
  ubuntu: {
    tools: ['rsync'],
    settings: () => ({ src: 'rsync://127.0.0.1/pub/debian' }),
    brings: 'dists/stable/Release',
  },
};

/** Settings in the mirror user's home that would make a tool fail, or sync something else, if it read them. */
const PLANTED: Readonly<Record<string, string>> = {
  '.bashrc': 'exit 3\n',
  '.config/lftp/rc': 'exit 3\n',
  '.curlrc': 'no-such-option\n',
  '.debmirror.conf': "die 'planted';\n",
  '.dput.cf': '[planted\n',
  '.gitconfig': '[planted\n',
  '.gnupg/gpg.conf': 'no-such-option\n',
  '.jigdo-mirror': 'exit 3\n',
  '.lftp/rc': 'exit 3\n',
  '.lftprc': 'exit 3\n',
  '.local/lib/python3/site-packages/usercustomize.py': 'raise SystemExit(3)\n',
  '.netrc': 'machine 127.0.0.1 login planted password planted\n',
  '.popt': 'rsync alias --timeout --no-such-option\nrsync alias -v --no-such-option\n',
  '.profile': 'exit 3\n',
  '.rpmmacros': '%_topdir %{error:planted}\n',
  '.wgetrc': 'no_such_command = 1\n',
  '.zshenv': 'exit 3\n',
  'etc/ftpsync.conf': 'exit 3\n',
};

/** Tools that make an upstream, and what any method needs. */
const MAKERS = ['apt-ftparchive', 'gpg', 'rpmbuild', 'createrepo_c', 'jigdo-file', 'git'];
const MISSING = [...MAKERS, ...Object.values(TABLE).flatMap(({ tools }) => tools)].filter(
  (tool) => !onPath(tool),
);
const LACKING = existsSync(join(BANDERSNATCH, 'bin')) ? MISSING : [...MISSING, 'bandersnatch'];
const WHY = noBed ?? (LACKING.length > 0 ? `no ${[...new Set(LACKING)].join(', ')}` : null);

describe.skipIf(WHY !== null)(
  `every method in its unit's sandbox${WHY === null ? '' : ` (skipped: ${WHY})`}`,
  () => {
    let bed: Bed;
    let site: LiveSite;
    const names = [...methods.keys()];

    beforeAll(async () => {
      bed = await bootBed();
      site = liveSite(bed);
      makeUpstreams(bed);
      installBandersnatch(bed);
      const ports = await serveUpstreams(bed, site);
      site.configure(
        names.map((synctype) =>
          pkg(synctype, '', { synctype, settings: TABLE[synctype]?.settings(ports) ?? {} }),
        ),
      );
      site.must('setup');
      site.must('apply');
      const home = bed.must('getent', 'passwd', 'mirror').split(':')[5] ?? '';
      const python = bed
        .must('python3', '-c', 'import sys; print("python%d.%d" % sys.version_info[:2])')
        .trim();
      for (const [name, content] of Object.entries(PLANTED))
        bed.write(join(home, name.replace('python3', python)), content);
    });
    afterAll(() => bed.stop());

    it('has a package here', () => {
      expect(Object.keys(TABLE).sort()).toEqual(names.sort());
    });

    it.each(names)('%s', (name) => {
      // Starts the unit, and follows it.
      const ended = site.mirror('run', name);
      const [last] = site.history(name).slice(-1);
      const log = last?.log === undefined || last.log === null ? '' : bed.run('zcat', '-f', last.log).stdout;
      expect(last, `${ended.stdout}${ended.stderr}\n${log}`).toMatchObject({
        outcome: 'synced',
      });
      expect(site.exists(join('/srv/ftp', name, TABLE[name]?.brings ?? '')), log).toBe(true);
      expect(site.show(`mirror-sync-${name}.service`, 'Result')).toBe('success');
      expect(log).not.toContain(PASSWORD);
      expect(site.show(`mirror-sync-${name}.service`, 'ProtectSystem')).toBe('strict');
    });
  },
);
