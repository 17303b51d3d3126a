import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import type { FaultProxy } from '../support/fault-proxy.js';
import { hasPython, startPythonServer } from '../support/python-server.js';
import type { PythonServer } from '../support/python-server.js';
import { makeCertificate, onPath } from '../support/tools.js';
import { methodSite } from './site.js';

const MISSING = [...(onPath('lftp') ? [] : ['lftp']), ...(hasPython('pyftpdlib') ? [] : ['pyftpdlib'])];
const WITHOUT = MISSING.length === 0 ? '' : ` (skipped: no ${MISSING.join(', ')})`;
const PASSWORD = `p'a"s$\\s; !id %41 \`id\` #ü@:/,`;
/** Over http lftp's own base64 cannot take letters beyond ASCII. */
const WEB_PASSWORD = PASSWORD.replace('ü', 'u');

describe.skipIf(WITHOUT !== '')(`lftp${WITHOUT}`, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'mirror-lftp-'));
  const site = methodSite();
  let upstream = '';
  let ftp: PythonServer;
  let ftps: PythonServer;
  let web: PythonServer;
  let tlsWeb: PythonServer;
  let proxy: FaultProxy;
  let cert = '';
  let id = '';
  let count = 0;

  beforeAll(async () => {
    const made = makeCertificate(scratch);
    cert = made.cert;
    const pem = join(scratch, 'both.pem');
    writeFileSync(pem, readFileSync(made.key, 'utf8') + readFileSync(made.cert, 'utf8'));
    const top = join(scratch, 'pub');
    mkdirSync(top);
    const env = { FTPD_PASSWORD: PASSWORD };
    ftp = await startPythonServer('ftpd.py', [top, '--hide', 'locked'], env);
    ftps = await startPythonServer('ftpd.py', [top, '--tls', pem], env);
    web = await startPythonServer('indexd.py', [top, '--login', `me:${WEB_PASSWORD}`]);
    tlsWeb = await startPythonServer('indexd.py', [top, '--tls', pem]);
    proxy = await startFaultProxy(tlsWeb.port);
  });

  afterAll(async () => {
    for (const server of [ftp, ftps, web, tlsWeb, proxy]) await server.stop();
    site.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** A tree of its own for each test, in a directory of the servers that is named as the package. */
  beforeEach(() => {
    count += 1;
    id = `cpan${String(count)}`;
    upstream = join(scratch, 'pub', id);
    put('README', 'read me\n');
    put('modules/by-id/A/a b; id.tar', 'a module\n');
    put('modules/02packages.details.txt', 'one\n');
    put('lost+found/x', 'debris');
    proxy.set(null);
  });

  function put(file: string, text: string | Buffer): void {
    const path = join(upstream, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  const last = (): object => site.state(id).last ?? {};
  const ftpUrl = (): string => `ftp://127.0.0.1:${String(ftp.port)}/${id}`;

  async function apply(options: object = {}, src: string | string[] = ftpUrl(), keys: object = {}) {
    const quick = { net_timeout: 2, max_retries: 1, ...options };
    return site.apply({ [id]: { synctype: 'lftp', ...keys, settings: { src, options: quick } } });
  }

  /** Files below dst, in order, with slashes at the end of empty directories. */
  function mirrored(directory = site.dst(id), prefix = ''): string[] {
    return readdirSync(directory, { withFileTypes: true })
      .flatMap((entry) => {
        const name = prefix + entry.name;
        if (!entry.isDirectory()) return [name];
        const inside = mirrored(join(directory, entry.name), `${name}/`);
        return inside.length > 0 ? inside : [`${name}/`];
      })
      .sort();
  }

  const ALL = ['README', 'modules/02packages.details.txt', 'modules/by-id/A/a b; id.tar'];

  test('mirrors an ftp tree as anonymous, then only what has changed, and says how much', async () => {
    const old = new Date('2020-02-02T02:02:02Z');
    utimesSync(join(upstream, 'README'), old, old);
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(ALL);
    expect(statSync(join(site.dst(id), 'README')).mtime).toEqual(old);
    expect(last()).toMatchObject({
      outcome: 'synced',
      transfer: { files: 6, transferred_files: 3, transferred_bytes: 21, deleted: 0 },
    });
    put('modules/02packages.details.txt', 'one and two\n');
    rmSync(join(upstream, 'modules/by-id'), { recursive: true });
    put('new', '');
    const dry = await site.run(id, '--dry-run', '--transfer');
    expect(dry.stdout).toContain('delete what it tells of, at most 3\n1 to add, 1 to change, 3 to delete\n');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(['README', 'modules/02packages.details.txt', 'new']);
    expect(readFileSync(join(site.dst(id), 'modules/02packages.details.txt'), 'utf8')).toBe('one and two\n');
    expect(last()).toMatchObject({ transfer: { transferred_files: 2, transferred_bytes: 12, deleted: 3 } });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(last()).toMatchObject({ transfer: { files: 4, transferred_files: 0, deleted: 0 } });
  });

  test('logs in with a password that no other file, argument or line of the log has', async () => {
    await apply({ user: 'me', password: PASSWORD }, `ftp://127.0.0.1:${String(ftp.port)}/${id}/`);
    const explained = await site.mirror('explain', id, '-c', join(site.root, 'etc/config.json'));
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(ALL);
    const job = readFileSync(join(site.root, 'etc/mirror/compiled/jobs', `${id}.json`), 'utf8');
    for (const text of [job, site.log(id), explained.stdout]) expect(text).not.toContain('p\'a"');
    expect(existsSync(join(site.root, 'var/lib/mirror/work', id))).toBe(false);
  });

  test('a wrong password needs a person and is not tried again', async () => {
    await apply({ user: 'me', password: 'wrong' });
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ outcome: 'failed', failure: 'auth' });
    expect(last()).toHaveProperty('reason', expect.stringContaining('Login failed: 530'));
  });

  test('asks for TLS on ftp when it must, and trusts only the CA that it is told', async () => {
    const src = `ftp://localhost:${String(ftps.port)}/${id}`;
    const login = { user: 'me', password: PASSWORD, tls: 'required' };
    await apply(login, src);
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ failure: 'auth' });
    expect(last()).toHaveProperty('reason', expect.stringContaining('certificate'));
    await apply(login, src, { network: { ca_file: cert } });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(ALL);
  });

  test('mirrors pages that list files, over http with a login and over https with its own CA', async () => {
    await apply({ user: 'me', password: WEB_PASSWORD }, `http://127.0.0.1:${String(web.port)}/${id}`);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(ALL);
    rmSync(join(upstream, 'README'));
    await apply({}, `https://localhost:${String(tlsWeb.port)}/${id}`, {
      network: { ca_file: cert, family: 'ipv4', bind: '127.0.0.1' },
    });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(ALL.slice(1));
    put('README', 'again');
    const inUrl = `m%65:${encodeURIComponent(WEB_PASSWORD)}`;
    await apply({}, `http://${inUrl}@127.0.0.1:${String(web.port)}/${id}`);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(ALL);
    await apply({ user: 'me', password: 'wrong' }, `http://127.0.0.1:${String(web.port)}/${id}`);
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ failure: 'auth' });
  });

  test('goes through a proxy', async () => {
    await apply({}, `http://nowhere.invalid/${id}/`, { network: { proxy: `127.0.0.1:${String(web.port)}` } });
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('401'));
  });

  test('deletes nothing when upstream lost more than the guard allows, until a person says so', async () => {
    for (let n = 0; n < 20; n++) put(`modules/by-id/B/${String(n)}`, 'x');
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const before = mirrored();
    rmSync(join(upstream, 'modules/by-id'), { recursive: true });
    put('new', 'n');
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ outcome: 'blocked', transfer: { transferred_files: 1 } });
    expect(last()).toHaveProperty(
      'reason',
      expect.stringMatching(
        /^the delete guard: 24 would be deleted, at most 13 may be, such as modules\/by-id, .*--allow-deletes 24$/,
      ),
    );
    expect(mirrored()).toEqual([...before, 'new'].sort());
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(await site.run(id, '--allow-deletes', '24')).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(['README', 'modules/02packages.details.txt', 'new']);
  });

  test('puts a file in the place of a directory, and follows no link of its own out of dst', async () => {
    put('modules/03modlist.data', 'm');
    put('modules/06perms.txt', 'p');
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const outside = join(scratch, `outside${id}`);
    mkdirSync(outside);
    writeFileSync(join(outside, 'keep'), 'keep');
    symlinkSync(outside, join(site.dst(id), 'link'));
    rmSync(join(upstream, 'modules/by-id'), { recursive: true });
    put('modules/by-id', 'now a file');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(readFileSync(join(site.dst(id), 'modules/by-id'), 'utf8')).toBe('now a file');
    expect(mirrored()).toHaveLength(5);
    expect(readdirSync(outside)).toEqual(['keep']);
  });

  test('deletes names of any bytes, and what is excluded stays', async () => {
    await apply({ exclude: ['*.keep'], exclude_x: ['^private/'] });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const dst = site.dst(id);
    const name = Buffer.concat([Buffer.from(`${dst}/lat`), Buffer.from([0xe9]), Buffer.from("in '`$(id)")]);
    writeFileSync(name, 'x');
    writeFileSync(join(dst, 'ünï'), 'x');
    writeFileSync(join(dst, 'mine.keep'), 'x');
    mkdirSync(join(dst, 'private'));
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual([...ALL, 'mine.keep', 'private/'].sort());
    expect(last()).toMatchObject({ transfer: { deleted: 2 } });
  });

  test('a name with a line end forges no line of the log, and deletes nothing', async () => {
    await apply(
      { exclude: ['*.keep'], user: 'me', password: WEB_PASSWORD },
      `http://127.0.0.1:${String(web.port)}/${id}`,
    );
    writeFileSync(join(site.dst(id), 'ours.keep'), 'x');
    put("x\nOld file `ours.keep' is not removed", 'x');
    put('y\n2026 [mirror] INFO\x1b[2J', 'x');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual([...ALL, 'ours.keep'].sort());
    expect(site.log(id)).not.toMatch(/^(Old file|2026 \[mirror\])|\x1b/m);
  });

  test('a file that upstream does not give makes the run fail, brings the others and deletes nothing', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    rmSync(join(upstream, 'README'));
    put('modules/locked', 'secret');
    put('modules/z', 'last');
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ outcome: 'failed', failure: 'transfer' });
    expect(last()).toHaveProperty('reason', expect.stringContaining('mirror: Access failed: 550'));
    expect(mirrored()).toEqual([...ALL, 'modules/z'].sort());
    await apply({}, ftpUrl(), { accept_exit: { 1: 'one file is locked' } });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(last()).toMatchObject({
      outcome: 'incomplete',
      omissions: [{ kind: 'deletions', count: 1, examples: ['README'] }],
    });
    expect(mirrored()).toContain('README');
    await apply({ skip: ['550'] });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(last()).toMatchObject({
      outcome: 'synced',
      omissions: [{ kind: 'refused', count: 1, examples: ['modules/locked'] }],
    });
    expect(mirrored()).not.toContain('README');
  });

  test('a tree without directories is a mirror like any other, also when nothing is new', async () => {
    await apply({}, `${ftpUrl()}/modules/by-id/A`);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(['a b; id.tar']);
    expect(last()).toMatchObject({
      outcome: 'synced',
      transfer: { transferred_files: 1, transferred_bytes: 9 },
    });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(last()).toMatchObject({ outcome: 'synced' });
  });

  test('an upstream that lists nothing is no success', async () => {
    mkdirSync(join(scratch, 'pub', id, 'empty'));
    await apply({}, `${ftpUrl()}/empty`);
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('upstream lists no files'));
  });

  test('an upstream that lost all its files is no success, with directories and without', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const had = mirrored();
    rmSync(upstream, { recursive: true });
    mkdirSync(join(upstream, 'modules'), { recursive: true });
    for (const src of [ftpUrl(), ['ftp://127.0.0.1:1/gone/', ftpUrl()]]) {
      await apply({}, src);
      expect(await site.run(id)).toMatchObject({ code: 69 });
      expect(last()).toHaveProperty('reason', 'upstream lists no files');
      expect(mirrored()).toEqual(had);
    }
    rmSync(join(upstream, 'modules'), { recursive: true });
    await apply();
    expect(await site.run(id, '--allow-deletes', '9')).toMatchObject({ code: 69 });
    expect(last()).toHaveProperty('reason', 'upstream lists no files');
  });

  test('a directory that is not there needs a person', async () => {
    await apply({}, `${ftpUrl()}/nowhere/`);
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('cd: Access failed: 550'));
    await apply({}, `https://localhost:${String(tlsWeb.port)}/nowhere`, { network: { ca_file: cert } });
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('404'));
  });

  test('asks the next source when one is gone, and deletes nothing by it', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    rmSync(join(upstream, 'README'));
    put('new', 'n');
    await apply({}, ['ftp://127.0.0.1:1/gone/', ftpUrl()]);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(site.log(id)).toContain('Connection refused');
    expect(mirrored()).toEqual([...ALL, 'new'].sort());
  });

  test('an upstream that is gone, hangs or is cut off is unavailable, each with its own words', async () => {
    await apply({}, 'ftp://127.0.0.1:1/', { accept_exit: { 1: 'never mind' } });
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ failure: 'unavailable' });
    expect(last()).toHaveProperty('reason', expect.stringContaining('Connection refused'));
    put('big', Buffer.alloc(3_000_000));
    const src = `https://localhost:${String(proxy.port)}/${id}`;
    await apply({}, src, { network: { ca_file: cert } });
    proxy.set({ after: 1_000_000, then: 'hang' });
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('max-retries exceeded'));
    expect(existsSync(join(site.dst(id), 'big'))).toBe(false);
    proxy.set({ after: 1_000_000, then: 'cut' });
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ outcome: 'failed', failure: 'unavailable' });
    proxy.set(null);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(statSync(join(site.dst(id), 'big')).size).toBe(3_000_000);
  });

  test('never continues an old file with the rest of a new one', async () => {
    put('Packages', 'a'.repeat(1000));
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    put('Packages', 'b'.repeat(2000));
    utimesSync(join(upstream, 'Packages'), new Date(), new Date(Date.now() + 60_000));
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(readFileSync(join(site.dst(id), 'Packages'), 'utf8')).toBe('b'.repeat(2000));
  });

  describe.skipIf(!MAY_MOUNT)(`disks${MAY_MOUNT ? '' : ' (skipped: not root)'}`, () => {
    test('a disk that is full fails the run as such', async () => {
      put('big', Buffer.alloc(2_000_000));
      await apply({}, ftpUrl(), { guard: { min_free: '0' } });
      await onDisk(site.dst(id), 'size=1m', async () => {
        expect(await site.run(id)).toMatchObject({ code: 73 });
        expect(last()).toMatchObject({ outcome: 'failed', failure: 'space' });
        expect(last()).toHaveProperty('reason', expect.stringContaining('No space left on device'));
      });
    });

    test('a disk that may not be written is local trouble', async () => {
      await apply();
      await onDisk(site.dst(id), 'size=1m,ro', async () => {
        expect(await site.run(id)).toMatchObject({ code: 74 });
        expect(last()).toMatchObject({ outcome: 'failed', failure: 'io' });
        expect(last()).toHaveProperty('reason', expect.stringContaining('Read-only file system'));
      });
    });
  });
});
