import { describe, expect, it } from 'vitest';
import type { FileArtifact } from '../../src/compile/artifact.js';
import { compile } from '../../src/compile/index.js';
import type { Job } from '../../src/job/job.js';
import { layout } from '../../src/job/layout.js';
import type { SiteFile } from '../../src/job/site-file.js';
import { HERE, pkg, site, source } from './site.js';

const files = (
  packages: Parameters<typeof site>[0],
  settings: Parameters<typeof site>[1] = {},
): FileArtifact[] =>
  compile(site(packages, settings), HERE).artifacts.filter((artifact) => artifact.kind === 'file');

const read = (all: readonly FileArtifact[], path: string): string =>
  all.find((file) => file.path === path)?.content ?? '';

describe('compile', () => {
  it('gives the same bytes for the same site, sorted by path, each path once', () => {
    const make = (): unknown => compile(site([pkg('debian'), pkg('CTAN'), pkg('gtk+')]), HERE).artifacts;
    expect(make()).toEqual(make());
    const paths = compile(site([pkg('debian'), pkg('CTAN'), pkg('gtk+')]), HERE).artifacts.map(
      ({ path }) => path,
    );
    expect(paths).toEqual([...new Set(paths)].sort());
  });

  it('changes nothing of one package when another one changes', () => {
    const own = (packages: Parameters<typeof site>[0]): FileArtifact[] =>
      files(packages).filter((file) => file.package === 'debian');
    const before = own([pkg('debian'), pkg('CTAN')]);
    expect(before).toHaveLength(3);
    expect(own([pkg('new'), pkg('debian'), pkg('CTAN', { syncrate: 'P1D', dst: '/srv/other' })])).toEqual(
      before,
    );
  });

  it('writes a job that tells the executor everything, with the exact argv', () => {
    const text = read(files([pkg('debian')]), '/etc/mirror/compiled/jobs/debian.json');
    expect(text.endsWith('}\n')).toBe(true);
    expect(JSON.parse(text) as Job).toMatchObject({
      format: 'mirror/job/2',
      id: 'debian',
      unit: 'mirror-sync-debian.service',
      attempts: [{ src: 'rsync://upstream.example.org/debian', upstream: 'upstream.example.org' }],
      run_as: { user: 'mirror', group: 'mirror', shared_group: 'mirror', umask: '0022' },
      max_runtime: 43200,
      timezone: 'Asia/Seoul',
      secrets: {},
    });
    expect(text).toContain('"rsync://upstream.example.org/debian/"');
  });

  it('compiles deletions out of every source but the first', () => {
    const sources = ['rsync://one.example.org/x', 'rsync://two.example.org/x'].map(source);
    const job = compile(site([pkg('debian', { sources })]), HERE).jobs.get('debian');
    const argv = job?.attempts.map(({ steps }) =>
      steps.flatMap((step) => (step.kind === 'exec' ? step.argv : [])),
    );
    expect(argv?.map((words) => words.some((word) => word.startsWith('--delete')))).toEqual([true, false]);
  });

  it('gives a disabled package no schedule, and one without sources a run nevertheless', () => {
    const { jobs } = compile(
      site([pkg('off', { disabled: true }), pkg('own', { synctype: 'local', syncrate: '', sources: [] })]),
      HERE,
    );
    expect(jobs.get('off')?.schedule.rule).toEqual({ kind: 'none' });
    expect(jobs.get('own')?.attempts).toMatchObject([{ src: '', upstream: null }]);
  });

  it('keeps a literal password out of everything but its own root-only file', () => {
    const all = files([
      pkg('debian', {
        password: { literal: 'hunter2 100%' },
        options: { user: 'me', password: 'hunter2 100%', mail_password: 'hunter2 100%' },
        sources: [
          {
            url: 'rsync://me@up.example.org/x',
            publicUrl: 'rsync://up.example.org/x',
            host: 'up.example.org',
          },
        ],
      }),
    ]);
    const secret = all.filter((file) => file.content.includes('hunter2'));
    expect(secret).toEqual([
      {
        kind: 'file',
        path: '/etc/mirror/secrets/debian.password',
        mode: 0o600,
        content: 'hunter2 100%\n',
        package: 'debian',
        secret: true,
      },
    ]);
    const job = JSON.parse(read(all, '/etc/mirror/compiled/jobs/debian.json')) as Job;
    expect(job.secrets).toEqual({ password: '/etc/mirror/secrets/debian.password' });
    const published = JSON.parse(read(all, '/etc/mirror/compiled/site.json')) as SiteFile;
    expect(published.packages[0]).toMatchObject({ src: 'rsync://up.example.org/x', options: { user: 'me' } });
    expect(published.packages[0]?.options).not.toHaveProperty('mail_password');
  });

  it('takes a password file where it lies, and makes no other', () => {
    const all = files([pkg('debian', { password: { file: '/etc/keys/debian' } })]);
    expect(all.some((file) => file.secret)).toBe(false);
    const job = JSON.parse(read(all, '/etc/mirror/compiled/jobs/debian.json')) as Job;
    expect(job.secrets).toEqual({ password: '/etc/keys/debian' });
  });

  it('relocates what mirror owns below a root, and nothing that the config names', () => {
    const { artifacts } = compile(site([pkg('debian')]), { ...HERE, layout: layout('/scratch') });
    expect(artifacts.every(({ path }) => path.startsWith('/scratch/etc/'))).toBe(true);
    const job = artifacts.find(({ path }) => path.endsWith('jobs/debian.json'));
    expect(job?.kind === 'file' && job.content).toContain('"dst": "/srv/ftp/debian"');
  });

  it('makes no time, no version and no secret part of an artifact', () => {
    const text = files([pkg('debian'), pkg('CTAN')])
      .map(({ content }) => content)
      .join('');
    expect(text).not.toMatch(/20[23]\d-\d\d-\d\d|0\.1\.0/);
  });
});
