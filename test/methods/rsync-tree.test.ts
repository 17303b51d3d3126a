import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { DELAYED_DIRECTORY, OWN_DIRECTORY } from '../../src/job/never-upstream.js';
import { put, rsyncd, serveUpstream, site, upstream } from './rsync-upstream.js';

serveUpstream({ tree: {} });

beforeEach(() => {
  for (const name of readdirSync(upstream)) rmSync(join(upstream, name), { recursive: true });
});

/** Methods whose runs end with a tree equal to upstream's, by the package's id. */
const METHODS = {
  plain: { synctype: 'rsync' },
  staged: { synctype: 'rsync', settings: { options: { stage_set: 'debian' } } },
  ubuntu: { synctype: 'ubuntu', settings: { options: { trace: false } } },
  listed: { synctype: 'quick-fedora', settings: { options: { list: 'filelist' } } },
} as const;

type Id = keyof typeof METHODS;
const IDS = Object.keys(METHODS) as Id[];

async function apply(id: Id, more: object = {}, src = rsyncd.url('tree')): Promise<void> {
  const method = METHODS[id];
  const settings = { src, ...('settings' in method ? method.settings : {}) };
  await site.apply({ [id]: { ...method, ...more, settings } });
}

/** Writes the list that quick-fedora goes by (`[Version]`, `[Files]`: time, type, size, path), as upstream's tool does. */
function writeList(): void {
  const lines: string[] = [];
  const walk = (path: string, closed: string): void => {
    for (const name of readdirSync(join(upstream, path)).sort()) {
      const file = path === '' ? name : `${path}/${name}`;
      if (file === 'filelist') continue;
      const stat = lstatSync(join(upstream, file));
      const type = stat.isDirectory() ? 'd' : stat.isSymbolicLink() ? 'l' : 'f';
      const mark = type === 'l' || (stat.mode & 0o004) !== 0 ? closed : '-';
      lines.push([Math.floor(stat.mtimeMs / 1000), `${type}${mark}`, stat.size, file].join('\t'));
      if (type === 'd') walk(file, mark === '' ? '' : '*');
    }
  };
  walk('', '');
  put('filelist', `[Version]\n2\n\n[Files]\n${lines.join('\n')}\n\n[End]\n`);
}

/** What a reader finds: each path with its type, permissions and content. Names of ours and temporary ones are not his. */
function treeOf(top: string, path = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(top, path)).sort()) {
    if (name === DELAYED_DIRECTORY) continue;
    const file = path === '' ? name : `${path}/${name}`;
    const stat = lstatSync(join(top, file));
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isDirectory()) Object.assign(found, { [file]: `directory ${mode}` }, treeOf(top, file));
    else if (stat.isSymbolicLink()) found[file] = `link to ${readlinkSync(join(top, file))}`;
    else found[file] = `${mode} ${readFileSync(join(top, file), 'latin1')}`;
  }
  return found;
}

async function run(id: Id, ...args: readonly string[]): Promise<number | null> {
  if (id === 'listed') writeList();
  return (await site.run(id, ...args)).code;
}

function last(id: Id): { outcome?: string; reason?: string | null; transfer?: unknown } {
  return site.state(id).last ?? {};
}

/** An archive with an index below dists and packages in the pool. */
function putArchive(): void {
  for (const dist of ['a', 'b']) {
    put(`dists/${dist}/Release`, `Release of ${dist}`);
    put(`dists/${dist}/main/Packages`, `packages of ${dist}`);
  }
  symlinkSync('a', join(upstream, 'dists/stable'));
  put('dists/file', 'a file');
  put('dists/other', 'another');
  for (const name of ['dir', 'toLink']) for (const n of [1, 2]) put(`pool/${name}/${String(n)}.deb`, 'x');
  put('pool/file.deb', 'y');
  put('pool/file2.deb', 'y');
  symlinkSync('file.deb', join(upstream, 'pool/link.deb'));
  symlinkSync('dir', join(upstream, 'pool/link2'));
  for (let n = 0; n < 20; n += 1) put(`pool/stays/${String(n)}.deb`, 'z');
}

function replace(path: string, make: (path: string) => void): void {
  rmSync(join(upstream, path), { recursive: true });
  make(path);
}

describe.each(IDS)('%s', (id) => {
  test('ends with the tree of an upstream whose files, directories and links become each other, in one run', async () => {
    putArchive();
    await apply(id);
    expect(await run(id)).toBe(0);
    const link = (to: string) => (path: string) => symlinkSync(to, join(upstream, path));
    const directory = (path: string): void => put(`${path}/Release`, 'new');
    const file = (path: string): void => put(path, 'now a file');
    replace('dists/b', link('a'));
    // With the same files as what the link led to.
    replace('dists/stable', (path) => {
      mkdirSync(join(upstream, path));
      put(`${path}/Release`, 'Release of a');
      put(`${path}/main/Packages`, 'packages of a');
    });
    replace('dists/file', directory);
    replace('dists/other', link('a/Release'));
    replace('pool/dir', file);
    replace('pool/toLink', link('file2.deb'));
    replace('pool/file.deb', directory);
    replace('pool/file2.deb', link('stays/1.deb'));
    replace('pool/link.deb', file);
    replace('pool/link2', directory);
    expect(await run(id)).toBe(0);
    expect(treeOf(site.dst(id))).toEqual(treeOf(upstream));
  });

  test('leaves dst as it was when that is more than the guard allows', async () => {
    putArchive();
    await apply(id, { guard: { deletes: 1 } });
    expect(await run(id)).toBe(0);
    const before = treeOf(site.dst(id));
    replace('dists/b', (path) => symlinkSync('a', join(upstream, path)));
    replace('pool/dir', (path) => put(path, 'now a file'));
    put('pool/stays/0.deb', 'changed');
    expect(await run(id)).toBe(77);
    const { outcome, reason } = last(id);
    expect(outcome).toBe('blocked');
    expect(reason).toMatch(
      /^the delete guard: \d+ would be deleted, at most 1 may be, such as .*(pool\/dir|dists\/b)/,
    );
    const [, number = 'none'] = /mirror run \w+ --allow-deletes (\d+)$/.exec(reason ?? '') ?? [];
    const after = treeOf(site.dst(id));
    // A package that has changed in its place may have come, as any new one: the old index does not name it.
    expect({ ...after, 'pool/stays/0.deb': before['pool/stays/0.deb'] }).toEqual(before);
    expect([await run(id, '--allow-deletes', number), last(id).reason, reason]).toEqual([0, null, reason]);
    expect(treeOf(site.dst(id))).toEqual(treeOf(upstream));
  });

  test('neither deletes nor fails on names that are never upstream’s', async () => {
    putArchive();
    await apply(id);
    for (const name of ['lost+found', '.zfs', '.snapshot', 'pool/.snapshots']) {
      mkdirSync(join(site.dst(id), name, 'in'), { recursive: true });
      writeFileSync(join(site.dst(id), name, 'in/file'), 'x');
    }
    expect(await run(id)).toBe(0);
    rmSync(join(upstream, 'pool/stays/1.deb'));
    expect(await run(id)).toBe(0);
    expect(existsSync(join(site.dst(id), 'pool/stays/1.deb'))).toBe(false);
    for (const name of ['lost+found', '.zfs', '.snapshot', 'pool/.snapshots']) {
      expect(readFileSync(join(site.dst(id), name, 'in/file'), 'utf8')).toBe('x');
    }
    expect((await site.mirror('explain', id, '-c', join(site.root, 'etc/config.json'))).stdout).toMatch(
      /never touches .*lost\+found\/.*\.zfs\//,
    );
  });

  test('gives files and directories upstream’s permissions, without set-id and write for others', async () => {
    putArchive();
    chmodSync(join(upstream, 'pool/stays/1.deb'), 0o770);
    chmodSync(join(upstream, 'pool/stays/2.deb'), 0o6777);
    chmodSync(join(upstream, 'pool/dir'), 0o700);
    chmodSync(join(upstream, 'dists/a/main/Packages'), 0o600);
    await apply(id);
    expect(await run(id)).toBe(0);
    const modes = (): string[] =>
      ['pool/stays/1.deb', 'pool/stays/2.deb', 'pool/dir', 'dists/a/main/Packages'].map((path) =>
        existsSync(join(site.dst(id), path))
          ? (lstatSync(join(site.dst(id), path)).mode & 0o7777).toString(8)
          : 'none',
      );
    if (id === 'listed') expect(modes()).toEqual(['none', '775', 'none', 'none']);
    else expect(modes()).toEqual(['770', '775', '700', '600']);
    for (const path of ['pool/stays/1.deb', 'dists/a/main/Packages']) chmodSync(join(upstream, path), 0o644);
    chmodSync(join(upstream, 'pool/dir'), 0o755);
    expect(await run(id)).toBe(0);
    expect(modes()).toEqual(['644', '775', '755', '644']);
  });

  test('puts back what a run that was killed had deleted and replaced', async () => {
    putArchive();
    await apply(id);
    expect(await run(id)).toBe(0);
    const before = treeOf(site.dst(id));
    const undo = join(site.dst(id), OWN_DIRECTORY, 'undo');
    mkdirSync(join(undo, 'pool/stays'), { recursive: true });
    renameSync(join(site.dst(id), 'pool/stays/1.deb'), join(undo, 'pool/stays/1.deb'));
    renameSync(join(site.dst(id), 'pool/dir'), join(undo, 'pool/dir'));
    mkdirSync(join(site.dst(id), 'pool/stays/1.deb'));
    // Upstream cannot be asked: what is put back is only what the killed run had taken.
    await apply(id, {}, 'rsync://127.0.0.1:1/tree');
    expect(await run(id)).toBe(69);
    expect(treeOf(site.dst(id))).toEqual(before);
  });
});
