import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { writeFileList } from '../support/file-list.js';
import type { ListWish } from '../support/file-list.js';
import { put, rsyncd, serveUpstream, site, touch, upstream } from './rsync-upstream.js';

const REPOMD = 'linux/updates/repodata/repomd.xml';

// The reader of lists, against a daemon with two modules' directories in one tree, as `fedora-buffet` is.
serveUpstream(
  { buffet: {}, locked: { 'auth users': 'tier1', 'secrets file': 'SECRETS' } },
  { tier1: 'correct' },
);

beforeEach(() => {
  for (const name of readdirSync(upstream)) rmSync(join(upstream, name), { recursive: true });
  for (let n = 0; n < 40; n++)
    put(`fedora/linux/updates/Packages/p/package-${String(n)}.rpm`, `package ${String(n)}\n`);
  put(`fedora/${REPOMD}`, '<repomd revision="1"/>\n');
  put('epel/9/Everything/e.rpm', 'epel\n');
  linkSync(
    join(upstream, 'fedora/linux/updates/Packages/p/package-0.rpm'),
    join(upstream, 'epel/9/shared.rpm'),
  );
  put('fedora/#notes; read me', 'a name that rsync could take for a comment\n');
  symlinkSync('updates', join(upstream, 'fedora/linux/current'));
  put('fedora/fullfilelist', 'everything\n');
  publish();
});

function publish(wish: ListWish = {}): void {
  for (const module of ['fedora', 'epel']) {
    const file = `fullfiletimelist-${module}`;
    writeFileList(join(upstream, module), file, { skip: ['fullfilelist', `imagelist-${module}`], ...wish });
    touch(join(module, file));
  }
}

function packageOf(
  changes: { options?: object; src?: string | string[]; [key: string]: unknown } = {},
): object {
  const { options = {}, src = rsyncd.url('buffet'), ...rest } = changes;
  return {
    ...rest,
    synctype: 'quick-fedora',
    settings: { src, options: { modules: ['fedora', 'epel'], ...options } },
  };
}

async function ran(): Promise<{ code: number | null; outcome: string; reason: string; log: string }> {
  const { code } = await site.run('fedora');
  const { last } = site.state('fedora');
  const log = last?.log == null ? '' : site.log('fedora');
  return { code, outcome: last?.outcome ?? '', reason: last?.reason ?? '', log };
}

const dst = (path: string): string => join(site.dst('fedora'), path);
const inDst = (path: string): string => readFileSync(dst(path), 'utf8');

/** Paths, types, contents, times of files, and which names share an inode. */
function tree(root: string): string[] {
  const inodes = new Map<number, string>();
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => {
      const stat = lstatSync(join(root, path));
      if (!stat.isFile()) return `${path} ${stat.isDirectory() ? 'directory' : 'link'}`;
      if (!inodes.has(stat.ino)) inodes.set(stat.ino, path);
      return [
        path,
        readFileSync(join(root, path), 'utf8'),
        Math.floor(stat.mtimeMs / 1000),
        inodes.get(stat.ino),
      ].join(' ');
    });
}

async function synced(changes: Parameters<typeof packageOf>[0] = {}): Promise<void> {
  await site.apply({ fedora: packageOf(changes) });
  expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
  expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
}

describe('a sync by lists', () => {
  test('brings everything at first, hard links across modules included, and then nothing', async () => {
    await synced();
    expect(site.state('fedora').size?.files).toBe(52);
    expect(await ran()).toMatchObject({ code: 0, outcome: 'unchanged' });
  });

  test('brings what changed, came, was renamed or linked, and deletes what went', async () => {
    await synced();
    put('fedora/linux/updates/Packages/p/package-1.rpm', 'another package 1\n');
    put(`fedora/${REPOMD}`, '<repomd revision="2"/>\n');
    put('epel/9/Everything/new/new.rpm', 'new\n');
    const packages = join(upstream, 'fedora/linux/updates/Packages/p');
    renameSync(join(packages, 'package-2.rpm'), join(packages, 'package-2a.rpm'));
    linkSync(join(packages, 'package-3.rpm'), join(upstream, 'epel/9/shared-3.rpm'));
    rmSync(join(packages, 'package-4.rpm'));
    rmSync(join(upstream, 'fedora/linux/current'));
    publish();
    const { code, outcome, log } = await ran();
    expect({ code, outcome }).toEqual({ code: 0, outcome: 'synced' });
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
    expect(log).toContain('what has changed: ');
    expect(log).toContain('3 to delete');
    expect(log).not.toContain('--recursive');
    expect(site.state('fedora').last?.transfer).toMatchObject({ files: 53, deleted: 3 });
    expect(await ran()).toMatchObject({ outcome: 'unchanged' });
  });

  test('does not touch what no list tells of between two full passes, and sets it right in one', async () => {
    await synced();
    writeFileSync(dst('fedora/stray'), 'left by somebody');
    mkdirSync(dst('epel/9/.~tmp~'));
    writeFileSync(dst('epel/9/.~tmp~/half'), 'left by a killed rsync');
    rmSync(dst('fedora/linux/updates/Packages/p/package-7.rpm'));
    put('epel/9/Everything/e.rpm', 'changed\n');
    publish();
    expect(await ran()).toMatchObject({ outcome: 'synced' });
    expect(existsSync(dst('fedora/stray'))).toBe(true);
    // A list in dst that is not the one that was installed tells nothing.
    utimesSync(dst('epel/fullfiletimelist-epel'), 1, 1);
    const { outcome, log } = await ran();
    expect(outcome).toBe('synced');
    expect(log).toContain('no list of ours in dst');
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
  });

  test('looks at everything again when full_every has passed', async () => {
    await synced({ options: { full_every: 'PT1S' } });
    rmSync(dst('fedora/linux/updates/Packages/p/package-7.rpm'));
    await new Promise((done) => setTimeout(done, 1100));
    expect((await ran()).log).toContain('a full pass is due');
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
  });

  test('takes over a mirror that is there already, and deletes from it only what no list names', async () => {
    put('epel/9/Everything/old.rpm', 'old\n');
    publish();
    await synced();
    rmSync(join(site.root, 'var/lib/mirror/cache'), { recursive: true });
    rmSync(join(upstream, 'epel/9/Everything/old.rpm'));
    publish();
    expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
  });

  test('leaves out what is excluded or not for everybody yet, and deletes it where it was', async () => {
    put('fedora/linux/releases/99/secret.iso', 'not before its day\n');
    chmodSync(join(upstream, 'fedora/linux/releases/99'), 0o750);
    publish();
    await site.apply({ fedora: packageOf({ options: { exclude: ['Everything/', '*-1?.rpm'] } }) });
    expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
    expect(existsSync(dst('fedora/linux/releases/99'))).toBe(false);
    expect(existsSync(dst('epel/9/Everything'))).toBe(false);
    expect(existsSync(dst('fedora/linux/updates/Packages/p/package-11.rpm'))).toBe(false);
    await synced({ options: { restricted: true } });
    expect(inDst('fedora/linux/releases/99/secret.iso')).toBe('not before its day\n');
    await site.apply({ fedora: packageOf() });
    expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
    expect(existsSync(dst('fedora/linux/releases/99/secret.iso'))).toBe(false);
  });

  test('needs no modules: the list may be that of the whole source', async () => {
    await site.apply({
      fedora: {
        synctype: 'quick-fedora',
        settings: { src: `${rsyncd.url('buffet')}/epel`, options: { list: 'fullfiletimelist-epel' } },
      },
    });
    const first = await ran();
    expect(first).toMatchObject({ code: 0, outcome: 'synced' });
    expect(tree(site.dst('fedora'))).toEqual(tree(join(upstream, 'epel')));
    rmSync(join(upstream, 'epel/9/shared.rpm'));
    publish();
    expect((await ran()).log).toContain('what has changed: 1 to transfer, 1 to delete');
    expect(tree(site.dst('fedora'))).toEqual(tree(join(upstream, 'epel')));
  });
});

describe('a list that cannot be believed leaves the run to a full rsync', () => {
  test.each<[string, ListWish, string]>([
    ['was cut off', { spoil: (text) => text.slice(0, text.length / 2) }, 'has no end: it was cut off'],
    ['has a version from the future', { version: '4' }, 'has version 4'],
    ['is something else', { spoil: () => '<html>404</html>\n[End]\n' }, 'has no version'],
    ['names no files', { spoil: (text) => text.replace(/(\[Files\]\n)[^[]*/, '$1\n') }, 'lists no files'],
    ['leads out of dst', { spoil: (text) => text.replace(/\t9\/E/, '\t../E') }, 'lines that make no sense'],
  ])('it %s', async (_, wish, why) => {
    await synced();
    rmSync(join(upstream, 'epel/9/shared.rpm'));
    put('epel/9/Everything/e.rpm', 'changed\n');
    publish(wish);
    const { code, outcome, log } = await ran();
    expect({ code, outcome }).toEqual({ code: 0, outcome: 'synced' });
    expect(log).toMatch(/WARNING/);
    expect(log).toContain(why);
    expect(log).toContain('full rsync instead of the list');
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
    publish();
    expect((await ran()).log).toContain('no list of ours in dst');
    expect(await ran()).toMatchObject({ outcome: 'unchanged' });
  });

  test('there is none: dst has none after that, either', async () => {
    await synced();
    rmSync(join(upstream, 'epel/fullfiletimelist-epel'));
    put('epel/9/Everything/e.rpm', 'changed\n');
    const { outcome, log } = await ran();
    expect(outcome).toBe('synced');
    expect(log).toContain('upstream has no epel/fullfiletimelist-epel: full rsync instead of the list');
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
  });
});

describe('the delete guard', () => {
  test('stops a list that has shrunk before anything is done, and stays shut until somebody opens it', async () => {
    await synced();
    const before = tree(site.dst('fedora'));
    for (let n = 1; n < 40; n++)
      rmSync(join(upstream, `fedora/linux/updates/Packages/p/package-${String(n)}.rpm`));
    put('epel/9/Everything/e.rpm', 'changed\n');
    publish();
    expect(await ran()).toMatchObject({
      code: 77,
      outcome: 'blocked',
      reason: expect.stringContaining('39 would be deleted, at most 26 may be') as string,
    });
    expect(tree(site.dst('fedora'))).toEqual(before);
    expect(await ran()).toMatchObject({ code: 77, outcome: 'blocked' });
    expect(await site.run('fedora', '--allow-deletes', '39')).toMatchObject({ code: 0 });
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
  });

  test('holds for a full rsync, too', async () => {
    await synced();
    for (let n = 1; n < 40; n++)
      rmSync(join(upstream, `fedora/linux/updates/Packages/p/package-${String(n)}.rpm`));
    publish({ spoil: (text) => text.slice(0, 200) });
    expect(await ran()).toMatchObject({ code: 77, outcome: 'blocked' });
    expect(readdirSync(dst('fedora/linux/updates/Packages/p')).length).toBeGreaterThan(10);
  });
});

describe('what goes wrong', () => {
  test('a list that names a file that is not there fails, and the next run asks for it again', async () => {
    await synced();
    const old = inDst('fedora/fullfiletimelist-fedora');
    put('fedora/linux/late.rpm', 'late\n');
    rmSync(join(upstream, 'fedora/linux/updates/Packages/p/package-5.rpm'));
    publish();
    renameSync(join(upstream, 'fedora/linux/late.rpm'), join(upstream, 'hidden'));
    expect(await ran()).toMatchObject({
      code: 69,
      outcome: 'failed',
      reason: expect.stringContaining('late.rpm') as string,
    });
    // Nothing is deleted, and dst's list does not claim what dst has not.
    expect(existsSync(dst('fedora/linux/updates/Packages/p/package-5.rpm'))).toBe(true);
    expect(inDst('fedora/fullfiletimelist-fedora')).toBe(old);
    expect(await ran()).toMatchObject({ outcome: 'failed' });
    renameSync(join(upstream, 'hidden'), join(upstream, 'fedora/linux/late.rpm'));
    expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
  });

  test('a file that changed within the second and the size that its list tells of is brought', async () => {
    await synced();
    const list = (): string => readFileSync(join(upstream, 'fedora/fullfiletimelist-fedora'), 'utf8');
    const [line] = /.*repomd\.xml\n/.exec(list()) ?? [''];
    put(`fedora/${REPOMD}`, '<repomd revision="2"/>\n');
    publish({ spoil: (text) => text.replace(/^\d+\tf\t.*repomd\.xml\n/m, line) });
    expect(list()).toContain(line);
    expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
  });

  test('a file that has not the digest of the list fails, and heals when upstream does', async () => {
    await synced();
    put(`fedora/${REPOMD}`, '<repomd revision="2"/>\n');
    publish();
    const { mtime } = statSync(join(upstream, 'fedora', REPOMD));
    writeFileSync(join(upstream, 'fedora', REPOMD), '<repomd revision="X"/>\n');
    utimesSync(join(upstream, 'fedora', REPOMD), mtime, mtime);
    expect(await ran()).toMatchObject({
      code: 69,
      outcome: 'failed',
      reason: expect.stringContaining('not what the list says') as string,
    });
    // The same size and time: only a look at the content finds it.
    writeFileSync(join(upstream, 'fedora', REPOMD), '<repomd revision="2"/>\n');
    utimesSync(join(upstream, 'fedora', REPOMD), mtime, mtime);
    expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
    expect(tree(site.dst('fedora'))).toEqual(tree(upstream));
  });
});
