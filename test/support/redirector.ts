import { createServer, request } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where a request is sent: on to the upstream itself, to another port of this host, or to another host. */
export type Way = 'serve' | 'same' | 'away';

export interface Redirector {
  readonly port: number;
  /** The other host, `127.0.0.2:PORT`: it has all that the upstream has. */
  readonly away: string;
  /** Requests that reached the other host. */
  readonly hits: string[];
  /** Decides for each path; default `serve`. */
  rule: (path: string) => Way;
  /** The host by which the upstream is asked, for those that write it into what they answer; null: as the tool asked. */
  named: string | null;
  stop(): Promise<void>;
}

/** Stands before a web server on `port` of 127.0.0.1 and redirects as `rule` says. */
export async function startRedirector(port: number): Promise<Redirector> {
  const hits: string[] = [];
  const elsewhere = await listening('127.0.0.2', (asked, response) => {
    hits.push(asked.url ?? '');
    passOn(port, asked, response, null);
  });
  const away = `127.0.0.2:${String(portOf(elsewhere))}`;
  const front = await listening('127.0.0.1', (asked, response) => {
    const path = asked.url ?? '/';
    const way = redirector.rule(path);
    if (way === 'serve') {
      passOn(port, asked, response, redirector.named);
      return;
    }
    asked.resume();
    const host = way === 'same' ? `127.0.0.1:${String(port)}` : away;
    response.writeHead(302, { Location: `http://${host}${path}`, 'Content-Length': 0 }).end();
  });
  const redirector: Redirector = {
    port: portOf(front),
    away,
    hits,
    rule: () => 'serve',
    named: null,
    async stop() {
      await Promise.all([front, elsewhere].map(close));
    },
  };
  return redirector;
}

function passOn(port: number, asked: IncomingMessage, response: ServerResponse, named: string | null): void {
  const headers = { ...asked.headers, ...(named === null ? {} : { host: named }) };
  const options = { host: '127.0.0.1', port, path: asked.url, method: asked.method, headers, agent: false };
  const upstream = request(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  asked.pipe(upstream);
}

async function listening(
  host: string,
  answer: (asked: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, host, done));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}
