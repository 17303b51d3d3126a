import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { onPath } from '../support/tools.js';
import { methodSite } from './site.js';

/** Answers one path in its own way. */
type Answer = (response: ServerResponse, method: string) => void;

/** An http server whose pages list `files`, except for the paths that `odd` answers. */
describe.skipIf(!onPath('lftp'))('lftp over http (needs lftp)', () => {
  const site = methodSite();
  const files = new Map<string, string>();
  const odd = new Map<string, Answer>();
  let requests: string[] = [];
  let server: Server;
  let src = '';
  let count = 0;
  let id = '';

  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? '/');
      const method = request.method ?? '';
      requests.push(`${method} ${path}`);
      const own = odd.get(path);
      if (own) own(response, method);
      else if (files.has(path)) send(response, files.get(path) ?? '', 'application/octet-stream');
      else if (path.endsWith('/')) send(response, page(path), 'text/html');
      else response.writeHead(404, { 'Content-Length': 0 }).end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    src = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    site.remove();
  });

  beforeEach(async () => {
    count += 1;
    id = `web${String(count)}`;
    files.clear();
    odd.clear();
    for (let n = 0; n < 20; n++) files.set(`/a/f${String(n)}`, `a ${String(n)}`);
    for (let n = 0; n < 5; n++) files.set(`/b/g${String(n)}`, `b ${String(n)}`);
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    requests = [];
  });

  function send(response: ServerResponse, text: string, type: string): void {
    const headers = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) };
    response.writeHead(200, { ...headers, 'Last-Modified': 'Mon, 02 Nov 2026 10:00:00 GMT' }).end(text);
  }

  function page(directory: string): string {
    const below = [...files.keys()].filter((path) => path.startsWith(directory));
    const names = new Set(below.map((path) => path.slice(directory.length).replace(/\/.*/, '/')));
    return `<html><body>${[...names].map((name) => `<a href="${name}">${name}</a>\n`).join('')}</body></html>`;
  }

  async function apply(options: object = {}, keys: object = {}): Promise<void> {
    const quick = { net_timeout: 2, max_retries: 1, ...options };
    await site.apply({ [id]: { synctype: 'lftp', ...keys, settings: { src, options: quick } } });
  }

  const last = (): object => site.state(id).last ?? {};
  const inDst = (path: string): string[] => readdirSync(join(site.dst(id), path)).sort();
  const B = ['g0', 'g1', 'g2', 'g3', 'g4'];

  test('a page of something else does not delete its directory, unless the next run finds the same', async () => {
    odd.set('/b/', (response) => send(response, '<html>back soon</html>', 'text/html'));
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ outcome: 'failed', failure: 'transfer' });
    expect(last()).toHaveProperty('reason', expect.stringMatching(/^upstream lists nothing any more in b: /));
    expect(inDst('b')).toEqual(B);
    odd.clear();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    odd.set('/b/', (response) => send(response, '', 'text/html'));
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(inDst('b')).toEqual(B);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(inDst('b')).toEqual([]);
    expect(last()).toMatchObject({ outcome: 'synced', transfer: { deleted: 5 } });
  });

  test('a page with links of its own does not delete its directory in one run', async () => {
    odd.set('/b/', (response) => send(response, '<html><a href="logo.png">x</a></html>', 'text/html'));
    odd.set('/b/logo.png', (response) => send(response, 'logo', 'image/png'));
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(last()).toMatchObject({ omissions: [{ kind: 'deletions', count: 5 }] });
    expect(inDst('b')).toEqual([...B, 'logo.png']);
  });

  test('a directory that leads to a page that is not there keeps its files', async () => {
    odd.set('/b/', (response) => response.writeHead(302, { Location: '/gone', 'Content-Length': 0 }).end());
    expect((await site.run(id)).code).not.toBe(0);
    expect(inDst('b')).toEqual(B);
    expect(existsSync(join(site.dst(id), '.~mirror~'))).toBe(false);
    odd.clear();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(inDst('b')).toEqual(B);
  });

  test('a directory that becomes a file is believed in the next run', async () => {
    for (const name of B) files.delete(`/b/${name}`);
    files.set('/b', 'a file');
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(inDst('b')).toEqual(B);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(inDst('')).toEqual(['a', 'b']);
    expect(() => inDst('b')).toThrow('ENOTDIR');
  });

  test('a directory that is gone goes at once, and its entries are counted', async () => {
    for (const name of B) files.delete(`/b/${name}`);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(inDst('')).toEqual(['a']);
    expect(last()).toMatchObject({ transfer: { deleted: 6 } });
  });

  test('holding the listing against dst asks for no file, and finds what is missing', async () => {
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(requests.filter((request) => request === 'HEAD /a/f1')).toHaveLength(1);
    expect(requests.filter((request) => request.startsWith('GET') && !request.endsWith('/'))).toEqual([]);
    expect(requests.filter((request) => request === 'GET /a/')).toHaveLength(1);
    files.set('/z/new', 'new');
    // A file that goes from dst while the pass is at work.
    odd.set('/z/new', (response, method) => {
      rmSync(join(site.dst(id), 'a/f0'), { force: true });
      if (method === 'HEAD') send(response, 'new', 'text/plain');
      else setTimeout(() => send(response, 'new', 'text/plain'), 300);
    });
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('dst lacks files that upstream lists'));
  });

  test('leaves out and counts files that upstream refuses, but fails for a directory', async () => {
    const refuse: Answer = (response) => response.writeHead(403, { 'Content-Length': 0 }).end();
    files.set('/a/secret', 'x');
    odd.set('/a/secret', refuse);
    expect(await site.run(id)).toMatchObject({ code: 69 });
    await apply({ skip: ['403'] });
    files.delete('/a/f0');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(last()).toMatchObject({
      outcome: 'synced',
      transfer: { deleted: 1 },
      omissions: [{ kind: 'refused', count: 1, examples: ['a/secret'] }],
    });
    odd.set('/b/', refuse);
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(inDst('b')).toEqual(B);
  });

  test('a file that breaks off each time at the same byte ends the run', { timeout: 60_000 }, async () => {
    files.set('/big', '');
    odd.set('/big', (response, method) => {
      response.writeHead(200, {
        'Content-Length': 1_000_000,
        'Last-Modified': 'Mon, 02 Nov 2026 10:00:00 GMT',
      });
      if (method === 'HEAD') response.end();
      else response.write(Buffer.alloc(300_000), () => setTimeout(() => response.destroy(), 200));
    });
    const began = Date.now();
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ failure: 'unavailable' });
    expect(last()).toHaveProperty('reason', expect.stringContaining('made no progress'));
    expect(Date.now() - began).toBeLessThan(40_000);
  });

  test('a server that sends a byte now and then ends the run', { timeout: 120_000 }, async () => {
    await apply({ net_timeout: 1 });
    files.set('/big', '');
    odd.set('/big', (response, method) => {
      response.writeHead(200, {
        'Content-Length': 100_000,
        'Last-Modified': 'Mon, 02 Nov 2026 10:00:00 GMT',
      });
      if (method === 'HEAD') {
        response.end();
        return;
      }
      const timer = setInterval(() => response.write('x'), 300);
      response.on('close', () => clearInterval(timer));
    });
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ failure: 'unavailable' });
    expect(last()).toHaveProperty('reason', expect.stringContaining('less than 64 bytes a second'));
  });

  test('a server that forbids HEAD is a mistake of the config', async () => {
    for (const path of ['/', '/a/', '/b/']) {
      odd.set(path, (response, method) => {
        if (method === 'HEAD') response.writeHead(405, { 'Content-Length': 0 }).end();
        else send(response, page(path), 'text/html');
      });
    }
    expect(await site.run(id)).toMatchObject({ code: 78 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('does not answer HEAD'));
  });

  test('a listing that is cut says why', async () => {
    odd.set('/a/', (response, method) => {
      response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': 5000 });
      if (method === 'HEAD') response.end();
      else response.write('<html><a href="f0">f0</a>', () => response.destroy());
    });
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toHaveProperty(
      'reason',
      expect.stringMatching(/^upstream broke off in the middle of a listing/),
    );
    expect(inDst('a')).toHaveLength(20);
  });
});
