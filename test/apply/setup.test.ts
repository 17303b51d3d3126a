import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultConfig } from '../../src/apply/default-config.js';
import { needsOf, setup } from '../../src/apply/setup.js';
import { diskReader, readSite } from '../../src/config/index.js';
import { layout } from '../../src/job/layout.js';
import { intercept } from '../../src/system/intercept.js';
import { memorySystem, type MemorySystem, type Node } from '../../src/system/memory.js';
import { realSystem } from '../../src/system/real.js';
import type { Owner } from '../../src/system/system.js';
import { pkg, site } from '../compile/site.js';

const paths = layout();
const needs = needsOf(site([pkg('debian'), pkg('own', { user: 'archie', group: 'mirror' })]));

/** A fresh Debian: useradd and groupadd really add to what `user` and `group` know. */
function fresh(more: Record<string, Node> = {}): MemorySystem {
  const users: Record<string, Owner> = {};
  const tools = ['flock', 'rsync', 'systemctl', 'systemd-analyze'].map((name) => `/usr/bin/${name}`);
  const tree = new Map<string, Node>(tools.map((path) => [path, { kind: 'file', content: '', mode: 0o755 }]));
  for (const [path, node] of Object.entries(more)) tree.set(path, node);
  return memorySystem(tree, {
    users,
    program: (argv) => {
      const name = argv.at(-1) ?? '';
      if (argv[0] === 'groupadd') users[name] = { uid: -1, gid: 991 };
      if (argv[0] === 'useradd') users[name] = { uid: 990, gid: 991 };
      return {};
    },
  });
}

/** In this memory a group shares its entry with the user of the same name: a user exists once it has a uid. */
function withUsers(system: MemorySystem): MemorySystem {
  const user = (name: string | number): Owner | null => {
    const found = system.user(name);
    return found && found.uid >= 0 ? found : null;
  };
  return { ...system, user };
}

describe('setup on a fresh machine', () => {
  test('makes users, then directories that belong to them', async () => {
    const system = withUsers(fresh());
    const { problems } = await setup(needs, paths, system);
    expect(problems).toEqual([]);
    expect(system.ran).toEqual([
      'groupadd --system -- mirror',
      'useradd --system --gid mirror --home-dir /var/lib/mirror --no-create-home --shell /usr/sbin/nologin -- mirror',
      'useradd --system --gid mirror --home-dir /var/lib/mirror --no-create-home --shell /usr/sbin/nologin -- archie',
    ]);
    expect(system.facts(`${paths.state}/baseline`)).toEqual({
      kind: 'directory',
      mode: 0o2775,
      uid: 990,
      gid: 991,
    });
    expect(system.facts(paths.secrets)).toEqual({ kind: 'directory', mode: 0o700, uid: 0, gid: 0 });
    expect(system.facts(paths.compiled)).toEqual({ kind: 'directory', mode: 0o755, uid: 0, gid: 0 });
    // Archie's runs publish there, too.
    expect(system.facts('/var/www/mirror')).toMatchObject({ uid: 990, gid: 991, mode: 0o2775 });
  });

  test('keeps directories to the mirror user where all runs are his', async () => {
    const system = withUsers(fresh());
    await setup(needsOf(site([pkg('debian')])), paths, system);
    expect(system.facts('/var/www/mirror')).toMatchObject({ uid: 990, gid: 991, mode: 0o755 });
  });

  test('a second time does nothing at all', async () => {
    const system = withUsers(fresh());
    await setup(needs, paths, system);
    const touched: string[] = [];
    const watched = intercept(system, (mutation, what) => touched.push(`${mutation} ${what}`));
    expect(await setup(needs, paths, watched)).toEqual({ done: [], problems: [] });
    expect(touched).toEqual([]);
  });

  test('says what is missing with the command that helps', async () => {
    const system = withUsers(fresh());
    for (const name of ['rsync', 'flock', 'systemctl']) system.tree.delete(`/usr/bin/${name}`);
    const { problems } = await setup(needs, paths, system);
    expect(problems).toEqual([
      'flock is not installed: apt-get install util-linux',
      'rsync is not installed: apt-get install rsync',
      'systemctl is not installed: apt-get install systemd',
    ]);
  });

  test('with the crontab scheduler asks for cron', async () => {
    const { problems } = await setup({ ...needs, scheduler: 'crontab' }, paths, withUsers(fresh()));
    expect(problems).toContain('cron is not installed: apt-get install cron');
  });

  test('leaves an existing directory of the site as it is, and says when mirror cannot write there', async () => {
    const system = withUsers(
      fresh({ '/var/www/mirror': { kind: 'directory', mode: 0o755, uid: 33, gid: 33 } }),
    );
    const { problems } = await setup(needs, paths, system);
    expect(problems).toEqual([
      '/var/www/mirror cannot be written by mirror, archie: chgrp -h mirror -- /var/www/mirror && chmod g+rwxs -- /var/www/mirror',
    ]);
    expect(system.facts('/var/www/mirror')).toMatchObject({ uid: 33 });

    const alone = needsOf(site([pkg('debian')]));
    expect((await setup(alone, paths, system)).problems).toEqual([
      '/var/www/mirror cannot be written by mirror: chown -h mirror:mirror -- /var/www/mirror',
    ]);
  });

  test('says when the site’s own log is one that mirror cannot write to', async () => {
    const { settings, packages } = site([pkg('debian')]);
    const fileformat = { base: '/var/log/mirror', folder: '', filename: 'mirror.log', gzip: true };
    const logging = needsOf(site(packages, { logger: { ...settings.logger, fileformat } }));
    const owner = { uid: 990, gid: 991 };
    const problems = async (mode: number, whose: Owner): Promise<readonly string[]> => {
      const log: Node = { kind: 'file', content: 'x', mode, ...whose };
      const base: Node = { kind: 'directory', mode: 0o755, ...owner };
      const system = withUsers(fresh({ '/var/log/mirror': base, '/var/log/mirror/mirror.log': log }));
      return (await setup(logging, paths, system)).problems;
    };
    expect(await problems(0o600, owner)).toEqual([]);
    expect(await problems(0o644, { uid: 0, gid: 0 })).toEqual([
      '/var/log/mirror/mirror.log cannot be written by mirror: mv -T -- /var/log/mirror/mirror.log /var/log/mirror/mirror.log.old',
    ]);
  });

  test('doubts what only the group opens, and believes /etc/group', async () => {
    const www: Node = { kind: 'directory', mode: 0o2775, uid: 33, gid: 33 };
    const system = withUsers(fresh({ '/var/www/mirror': www }));
    const { problems } = await setup(needs, paths, system);
    expect(problems).toEqual([
      expect.stringContaining('/var/www/mirror perhaps cannot be written by mirror, archie: '),
    ]);
    const groups: Node = { kind: 'file', content: 'www-data:x:33:archie,mirror\n', mode: 0o644 };
    const members = withUsers(fresh({ '/var/www/mirror': www, '/etc/group': groups }));
    expect((await setup(needs, paths, members)).problems).toEqual([]);
  });
});

describe('setup on a machine that somebody touched', () => {
  test('puts right owner and mode of its own directories', async () => {
    const system = withUsers(
      fresh({ [paths.secrets]: { kind: 'directory', mode: 0o755, uid: 1000, gid: 1000 } }),
    );
    const { done } = await setup(needs, paths, system);
    expect(done).toContain(`put right owner and mode of ${paths.secrets}`);
    expect(system.facts(paths.secrets)).toEqual({ kind: 'directory', mode: 0o700, uid: 0, gid: 0 });
  });

  test('does not follow a link inside the state directory', async () => {
    const system = withUsers(fresh({ [`${paths.state}/hold`]: { kind: 'link', target: '/etc' } }));
    const { problems } = await setup(needs, paths, system);
    expect(problems).toEqual([`${paths.state}/hold is no directory: move it away`]);
  });
});

describe('setup --root', () => {
  test('makes directories only, as whoever calls it, and nothing outside of DIR', async () => {
    const root = mkdtempSync(join(tmpdir(), 'mirror-setup-'));
    try {
      const refuse = (): never => {
        throw new Error('not below --root');
      };
      const system = {
        ...realSystem(),
        run: refuse,
        query: refuse,
        user: refuse,
        group: refuse,
        chown: refuse,
      };
      const first = await setup(needs, layout(root), system);
      expect(first.done.every((line) => line.startsWith(`created ${root}/`))).toBe(true);
      expect(statSync(`${root}/etc/mirror/secrets`).mode & 0o7777).toBe(0o700);
      expect(statSync(`${root}/var/lib/mirror/hold`).mode & 0o7777).toBe(0o2775);
      expect(await setup(needs, layout(root), system)).toEqual({ done: [], problems: [] });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

test('the default config is valid as it stands', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mirror-config-'));
  try {
    const path = join(directory, 'config.json');
    writeFileSync(path, defaultConfig('mirror.example.edu', 'Asia/Seoul'));
    const { site: found, diagnostics } = readSite(diskReader(), path, { node: 'mirror1' });
    expect(diagnostics).toEqual([]);
    expect(found?.settings.localtimezone).toBe('Asia/Seoul');
    expect(readFileSync(path, 'utf8')).toContain('"_notes"');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
