import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NEVER_UPSTREAM } from '../src/job/never-upstream.js';
import { methods } from '../src/methods/index.js';
import type { Package, Source } from '../src/model/site.js';
import { context, pkg, source } from './compile/site.js';
import { METHOD_OPTIONS } from './support/method-options.js';

/** What every sync method must keep, whatever it syncs: a new one joins by being in the registry. */
const SOURCE = source('rsync://rsync.example.org/debian');

function debian(synctype: string, changes: Partial<Package> = {}): Package {
  return pkg('debian', { synctype, sources: [SOURCE], options: METHOD_OPTIONS[synctype] ?? {}, ...changes });
}

describe.each([...methods.values()])('method $name', (method) => {
  test('has a schema of its own name whose properties all have descriptions', () => {
    const text = readFileSync(
      join(import.meta.dirname, `../schemas/methods/${method.name}.schema.json`),
      'utf8',
    );
    const schema = JSON.parse(text) as { properties: Record<string, { description?: string }> };
    for (const [name, property] of Object.entries(schema.properties)) {
      expect(property.description, `${method.name}.${name}`).toMatch(/\w+/);
    }
  });

  test('asks for dst before anything else and execs no empty word', () => {
    const steps = method.steps(debian(method.name), context(SOURCE));
    expect(steps[0]).toEqual({ kind: 'require-directory', path: '/srv/ftp/debian' });
    for (const step of steps) {
      if (step.kind === 'exec' || step.kind === 'probe')
        expect(step.argv.every((word) => word !== '')).toBe(true);
    }
  });

  test('gives the same steps for the same package', () => {
    const debianPackage = debian(method.name);
    expect(method.steps(debianPackage, context(SOURCE))).toEqual(
      method.steps(debianPackage, context(SOURCE)),
    );
  });

  test('keeps a password out of the steps', () => {
    const debianPackage = debian(method.name, {
      password: { literal: 'correct horse' },
      options: { ...METHOD_OPTIONS[method.name], user: 'mirror' },
    });
    expect(JSON.stringify(method.steps(debianPackage, context(SOURCE)))).not.toContain('correct horse');
  });
});

describe('command', () => {
  const command = methods.get('command');
  const network = {
    ...debian('command').network,
    proxy: 'proxy.example.org:3128',
    caFile: '/etc/ssl/ca.pem',
  };

  test('learns proxy and CA file from its environment', () => {
    const exec = command
      ?.steps(debian('command', { network }), context(SOURCE))
      .find((step) => step.kind === 'exec');
    expect(exec).toMatchObject({
      env: {
        https_proxy: 'proxy.example.org:3128',
        SSL_CERT_FILE: '/etc/ssl/ca.pem',
        MIRROR_DST: '/srv/ftp/debian',
      },
    });
  });

  test('refuses an address family and a bind address, which it cannot pass on', () => {
    const bound = { ...network, family: 'ipv6' as const, bind: '192.0.2.1' };
    expect(command?.check(debian('command', { network: bound })).map((finding) => finding.at)).toEqual([
      '/network/family',
      '/network/bind',
    ]);
  });
});

describe('rsync', () => {
  const rsync = methods.get('rsync');
  const argv = (changes: Partial<Package>, from = SOURCE, fallback = false): readonly string[][] =>
    (rsync?.steps(debian('rsync', changes), context(from, { fallback })) ?? []).flatMap((step) =>
      step.kind === 'exec' || step.kind === 'probe' ? [[...step.argv]] : [],
    );

  test('compiles to the command line that plan shows', () => {
    expect(argv({ options: { bwlimit: '50m' } })).toEqual([
      [
        'rsync',
        ...NEVER_UPSTREAM.map((pattern) => `--exclude=${pattern}`),
        '-vrltSH',
        '--perms',
        '--chmod=ug-s,o-w,Du+w',
        '--partial',
        '--delay-updates',
        '--safe-links',
        '--filter=R .~tmp~/',
        '--exclude=*.~tmp~',
        '--delete-delay',
        '--force',
        '--backup',
        '--backup-dir=/srv/ftp/debian/.~mirror~/undo',
        '--no-motd',
        '--timeout=600',
        '--contimeout=60',
        '--bwlimit=50m',
        '--stats',
        '--no-human-readable',
        '--out-format=%i %n',
        'rsync://rsync.example.org/debian/',
        '/srv/ftp/debian/',
      ],
    ]);
  });

  test.each(['rsync', 'ubuntu', 'jigdo', 'quick-fedora'])(
    'the delete limit of %s comes before every word that could take it as a value',
    (name) => {
      const steps = methods.get(name)?.steps(debian(name), context(SOURCE)) ?? [];
      const limits = steps.flatMap((step) =>
        step.kind === 'exec' && step.delete_limit ? [step.delete_limit] : [],
      );
      expect(limits.length).toBeGreaterThan(0);
      expect(new Set(limits.map(({ at }) => at))).toEqual(new Set([1]));
    },
  );

  test("lets the site's words win over ours, but for what is read of the pass", () => {
    const [words = []] = argv({ options: { extra_args: ['--timeout=7', '-h'] } });
    expect(words.indexOf('--timeout=7')).toBeGreaterThan(words.indexOf('--timeout=600'));
    expect(words.indexOf('--no-human-readable')).toBeGreaterThan(words.indexOf('-h'));
  });

  test('neither deletes nor probes nor installs the marker from a fallback source', () => {
    const debianPackage = debian('rsync', {
      precheck: { file: 'lastupdate', fullEvery: 604800, always: [] },
    });
    const steps = rsync?.steps(debianPackage, context(SOURCE, { fallback: true })) ?? [];
    expect(steps.map((step) => step.kind)).toEqual(['require-directory', 'exec']);
    expect(JSON.stringify(steps)).not.toContain('--delete');
    expect(JSON.stringify(steps)).toContain('--exclude=/lastupdate');
  });

  test.each([undefined, 'debian'])(
    "leaves the marker out whatever the site's words are (stages: %s)",
    (stage_set) => {
      const steps =
        rsync?.steps(
          debian('rsync', {
            precheck: { file: 'lastupdate', fullEvery: 604800, always: [] },
            options: { base_args: ['-rlt', '--include=/lastupdate'], ...(stage_set && { stage_set }) },
          }),
          context(SOURCE),
        ) ?? [];
      const passes = steps.flatMap((step) => (step.kind === 'exec' ? [step.argv] : []));
      expect(passes.length).toBeGreaterThan(0);
      for (const words of passes)
        expect(words.find((word) => word.includes('clude=/lastupdate'))).toBe('--exclude=/lastupdate');
    },
  );

  test("leaves the site's own words that delete out of a fallback", () => {
    const options = {
      base_args: ['-rlt', '--delete'],
      extra_args: ['--delete-excluded', '--exclude', '--delete', '-z'],
    };
    const [words = []] = argv({ options }, SOURCE, true);
    expect(words.filter((word, at) => /^--del/.test(word) && words[at - 1] !== '--exclude')).toEqual([]);
    expect(words).toEqual(expect.arrayContaining(['--exclude', '--delete', '-z']));
  });

  test('gives --contimeout to daemons only', () => {
    const ssh: Source = { url: 'mirror@host:/srv', publicUrl: 'host:/srv', host: 'host' };
    const path: Source = { url: '/srv/upstream', publicUrl: '/srv/upstream', host: null };
    expect(
      argv({}, ssh)
        .flat()
        .filter((word) => word.startsWith('--contimeout')),
    ).toEqual([]);
    expect(
      argv({}, path)
        .flat()
        .filter((word) => word.startsWith('--contimeout')),
    ).toEqual([]);
  });

  test('lets ssh neither prompt nor share a connection', () => {
    const ssh: Source = { url: 'mirror@host:/srv', publicUrl: 'host:/srv', host: 'host' };
    const network = {
      ...debian('rsync').network,
      ssh: { key: '/etc/mirror/key', knownHosts: '/etc/mirror/known_hosts', port: 2222 },
    };
    expect(argv({ network }, ssh).flat()).toContain(
      '--rsh=ssh -F none -oBatchMode=yes -oControlMaster=no -oControlPath=none -oStrictHostKeyChecking=yes -oUserKnownHostsFile=/etc/mirror/known_hosts -i /etc/mirror/key -oIdentitiesOnly=yes -p 2222',
    );
  });

  test.each([
    ['https://example.org/debian', 'source-scheme'],
    ['example.org', 'source-scheme'],
  ])('refuses %s', (url, code) => {
    const unreadable = { url, publicUrl: url, host: 'example.org' };
    expect(rsync?.check(debian('rsync', { sources: [unreadable] })).map((finding) => finding.code)).toEqual([
      code,
    ]);
  });

  test.each(['../etc/passwd', '/lastupdate', 'last*', 'a b', 'dists/../../x'])(
    'refuses the marker %s',
    (file) => {
      const debianPackage = debian('rsync', { precheck: { file, fullEvery: 1, always: [] } });
      expect(rsync?.check(debianPackage).map((finding) => finding.code)).toEqual(['marker-path']);
    },
  );

  test('adds and removes flag letters as mirror.py does', () => {
    const [words = []] = argv({ options: { option_include: 'z', option_exclude: 'DS' } });
    expect(words[NEVER_UPSTREAM.length + 1]).toBe('-vrltHz');
  });
});
