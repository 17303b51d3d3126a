import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isOpen } from './child.js';
import { freePort } from './rsyncd.js';

/** An environment in which git reads nothing of the host's or a user's configuration. */
const PLAIN = {
  ...process.env,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'C',
  GIT_COMMITTER_EMAIL: 'c@example.org',
};

/** Runs git and returns what it printed. */
export function runGit(...args: readonly string[]): string {
  return execFileSync('git', args, { env: PLAIN, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A bare repository at `path` to which tests commit. */
export interface Upstream {
  readonly path: string;
  /** Adds a commit with one file to a branch, which is made if need be. */
  commit(branch: string, file: string, text: string | Buffer): void;
  git(...args: readonly string[]): string;
}

/** Makes a bare repository with one commit on `main`. */
export function makeRepository(path: string): Upstream {
  mkdirSync(dirname(path), { recursive: true });
  runGit('init', '--quiet', '--bare', '--initial-branch=main', path);
  const git = (...args: readonly string[]): string => runGit(`--git-dir=${path}`, ...args);
  const upstream: Upstream = {
    path,
    git,
    commit(branch, file, text) {
      const tree = mkdtempSync(join(tmpdir(), 'mirror-git-tree-'));
      const index = { ...PLAIN, GIT_INDEX_FILE: join(tree, 'index') };
      const inTree = (...args: readonly string[]): string =>
        execFileSync('git', [`--git-dir=${path}`, `--work-tree=${tree}`, ...args], {
          env: index,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        }).trim();
      const parent = git('for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`).trim();
      if (parent !== '') inTree('read-tree', parent);
      writeFileSync(join(tree, file), text);
      inTree('add', file);
      const commit = inTree(
        'commit-tree',
        inTree('write-tree'),
        ...(parent === '' ? [] : ['-p', parent]),
        '-m',
        file,
      );
      git('update-ref', `refs/heads/${branch}`, commit);
      rmSync(tree, { recursive: true });
    },
  };
  upstream.commit('main', 'README', `${path}\n`);
  return upstream;
}

export interface GitServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** git's own daemon for `git://` on a free port of the loopback. */
export async function startGitDaemon(root: string): Promise<GitServer> {
  const port = await freePort();
  const where = ['--listen=127.0.0.1', `--port=${String(port)}`, `--base-path=${root}`];
  const child = spawn('git', ['daemon', '--reuseaddr', '--export-all', ...where, root], {
    env: PLAIN,
    stdio: 'ignore',
    detached: true,
  });
  for (let tries = 0; !(await isOpen(port)); tries++) {
    if (child.exitCode !== null || tries > 500) throw new Error('git daemon does not answer');
    await new Promise((next) => setTimeout(next, 10));
  }
  return {
    port,
    async stop() {
      const ended = new Promise((done) => child.once('exit', done));
      // git starts the daemon as a child of its own.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}

/** `git http-backend` behind a web server on a free port of the loopback, with an optional login (`user:password`) and TLS. */
export async function startGitHttp(
  root: string,
  options: { readonly login?: string; readonly tls?: { readonly key: Buffer; readonly cert: Buffer } } = {},
): Promise<GitServer> {
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const wanted = `Basic ${Buffer.from(options.login ?? '').toString('base64')}`;
    if (options.login !== undefined && request.headers.authorization !== wanted) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
      return;
    }
    cgi(root, request, response);
  };
  const server = options.tls ? createHttps(options.tls, serve) : createHttp(serve);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** One request through the CGI program (RFC 3875): head lines, an empty line, the body. */
function cgi(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...PLAIN,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  let started = false;
  child.stdout.on('data', (data: Buffer) => {
    if (started) {
      response.write(data);
      return;
    }
    head = Buffer.concat([head, data]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    started = true;
    const lines = head.toString('latin1', 0, end).split('\r\n');
    const fields = lines.map((line) => /^([^:]+): (.*)$/.exec(line) ?? []);
    const status = fields.find(([, name]) => name === 'Status')?.[2] ?? '200';
    for (const [, name, value] of fields)
      if (name !== undefined && name !== 'Status' && value !== undefined) response.setHeader(name, value);
    response.writeHead(parseInt(status, 10));
    response.write(head.subarray(end + 4));
  });
  child.on('close', () => response.end());
  response.on('close', () => child.kill());
}
