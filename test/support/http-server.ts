import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join, normalize } from 'node:path';

export interface HttpServerOptions {
  /** `user:password` that every request must give (basic authentication); default none. */
  readonly login?: string;
  /** Files with the key and the certificate (PEM): speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface HttpServer {
  readonly port: number;
  /** `METHOD PATH STATUS` of each request, in order. */
  readonly requests: string[];
  /** Answers 404 for paths that match, from now on; null: for none. */
  missing: RegExp | null;
  /** Content-Type of files, from now on; null: none. */
  type: string | null;
  /** Called before each answer; may change what is served while it waits. */
  before: ((path: string) => void | Promise<void>) | null;
  /** `http(s)://HOST:PORT/path`; host default 127.0.0.1. */
  url(path: string, host?: string): string;
  stop(): Promise<void>;
}

/**
 * A static file server on a free port of the loopback: GET and HEAD of plain files, Last-Modified with If-Modified-Since,
 * one byte range, basic authentication.
 */
export async function startHttpServer(root: string, options: HttpServerOptions = {}): Promise<HttpServer> {
  const sockets = new Set<Socket>();
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    void answer(root, options, served, request, response).catch(() => response.destroy());
  };
  const { tls } = options;
  const server =
    tls === undefined
      ? createHttp(handler)
      : createHttps({ key: readFileSync(tls.key), cert: readFileSync(tls.cert) }, handler);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const served: HttpServer = {
    port,
    requests: [],
    missing: null,
    type: null,
    before: null,
    url: (path, host = '127.0.0.1') => `http${tls ? 's' : ''}://${host}:${String(port)}/${path}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
  return served;
}

async function answer(
  root: string,
  options: HttpServerOptions,
  served: HttpServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = normalize(decodeURIComponent((request.url ?? '/').replace(/\?.*/, '')));
  await served.before?.(path);
  const end = (status: number, headers: Record<string, string | number> = {}): void => {
    served.requests.push(`${request.method ?? ''} ${path} ${String(status)}`);
    const length = status === 304 ? {} : { 'Content-Length': 0 };
    response.writeHead(status, { ...length, ...headers }).end();
  };
  const given = Buffer.from(
    (request.headers.authorization ?? '').replace(/^Basic /, ''),
    'base64',
  ).toString();
  if (options.login !== undefined && given !== options.login) {
    end(401, { 'WWW-Authenticate': 'Basic realm="test"' });
    return;
  }
  const file = join(root, path);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile() || served.missing?.test(path)) {
    end(404);
    return;
  }
  const since = Date.parse(request.headers['if-modified-since'] ?? '');
  const modified = Math.floor(stat.mtimeMs / 1000) * 1000;
  if (since >= modified) {
    end(304);
    return;
  }
  const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const first = from === '' ? 0 : Number(from);
  const last = to === '' ? stat.size - 1 : Math.min(Number(to), stat.size - 1);
  if (from !== '' && first >= stat.size) {
    end(416, { 'Content-Range': `bytes */${String(stat.size)}` });
    return;
  }
  const status = from === '' ? 200 : 206;
  served.requests.push(`${request.method ?? ''} ${path} ${String(status)}`);
  response.writeHead(status, {
    'Accept-Ranges': 'bytes',
    'Content-Length': last - first + 1,
    'Last-Modified': new Date(modified).toUTCString(),
    ...(served.type === null ? {} : { 'Content-Type': served.type }),
    ...(from === '' ? {} : { 'Content-Range': `bytes ${from}-${String(last)}/${String(stat.size)}` }),
  });
  if (request.method === 'HEAD' || stat.size === 0) response.end();
  else createReadStream(file, { start: first, end: last }).pipe(response);
}
