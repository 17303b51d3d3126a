import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { askRoot, CONNECTION, endWithParent, isHandedOver } from '../boundary/root-service.js';
import { layout as layoutOf, type Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { CommandError, serveConnection, turnAway, type Seat } from './connection.js';
import { isCrowded, parsePeer } from './crowd.js';
import { controlHandlers } from './handlers.js';
import { answerStarter } from './starter.js';

/** The first descriptor that systemd hands over, sd_listen_fds(3). */
const HANDED_OVER = 3;

/**
 * `mirror control`: serves the one connection that systemd or `mirror daemon` (`--daemon`) accepted for it and ends;
 * `--starter` is root's half. A process a connection (Accept=yes) rather than one server for all: a hung or crashing connection is nobody else's, the
 * kernel and systemd bound its time, memory and number, nothing stays resident, and the instance's name tells who asks,
 * which Node cannot find out by itself. Sets the process's exit code.
 */
export async function main(argv: readonly string[]): Promise<void> {
  process.exitCode = await control(argv);
}

/** Like `main`, returning the exit code. */
export async function control(argv: readonly string[]): Promise<number> {
  const options = parse(argv);
  if (options === null) return EXIT.usage;
  if (options.daemon && isHandedOver()) return serveForDaemon(layoutOf(options.root));
  if (process.env.LISTEN_FDS !== '1' || process.env.LISTEN_PID !== String(process.pid)) {
    process.stderr.write('mirror: `mirror control` is started by mirror-control.socket, not by hand\n');
    return EXIT.usage;
  }
  const socket = socketOf(HANDED_OVER);
  const layout = layoutOf(options.root);
  if (isCrowded(options.peer)) {
    // Root's half says nothing of its own: its client tries again when it hears nothing.
    if (options.starter) socket.destroy();
    else await turnAway(socket);
    return EXIT.ok;
  }
  if (options.starter) {
    await answerStarter(socket, layout);
    return EXIT.ok;
  }
  const handlers = controlHandlers(layout, askerOf(options.peer));
  await serveConnection(socket, { handlers, version: VERSION, role: 'control', say });
  return EXIT.ok;
}

/** Serves a connection that `mirror daemon` accepted, which is one command more than systemd's. */
async function serveForDaemon(layout: Layout): Promise<number> {
  endWithParent();
  const handlers = new Map(controlHandlers(layout, 'control socket')).set('reload', reload);
  const served = { handlers, version: VERSION, role: 'daemon', say };
  await serveConnection(socketOf(CONNECTION), served, seatOfDaemon());
  return EXIT.ok;
}

/** The daemon is told of each silence: it may need the place for another connection. */
function seatOfDaemon(): Seat {
  let silentSince: number | null = null;
  return {
    requests: 0,
    get silentSince() {
      return silentSince;
    },
    set silentSince(since) {
      silentSince = since;
      askRoot(since === null ? 'busy' : 'silent');
    },
  };
}

/** The daemon answers with the packages that changed, or with why nothing did. */
function reload(): unknown {
  const answer = askRoot('reload') ?? '';
  if (!answer.startsWith('{')) throw new CommandError(409, answer);
  return JSON.parse(answer);
}

function socketOf(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
}

function say(message: string): void {
  process.stderr.write(`mirror: ${message}\n`);
}

/** Kept equal to package.json by a test. */
export const VERSION = '0.1.0';

interface Options {
  readonly root: string;
  readonly starter: boolean;
  readonly daemon: boolean;
  readonly peer: string;
}

function parse(argv: readonly string[]): Options | null {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        root: { type: 'string' },
        starter: { type: 'boolean' },
        daemon: { type: 'boolean' },
        peer: { type: 'string' },
      },
    });
    const root = values.root === undefined ? '' : resolve(values.root).replace(/\/$/, '');
    const { starter = false, daemon = false, peer = '' } = values;
    return { root, starter, daemon, peer };
  } catch (error) {
    process.stderr.write(`mirror: ${(error as Error).message}\n`);
    return null;
  }
}

/** Names the user that connected, for requests and messages. */
function askerOf(instance: string): string {
  const peer = parsePeer(instance);
  return peer === null ? 'control socket' : `${userName(peer.uid)} by the control socket`;
}

function userName(uid: string): string {
  const row = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === uid);
  return row?.[0] ?? `uid ${uid}`;
}
