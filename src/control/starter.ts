import type { Socket } from 'node:net';
import { parseOrder } from '../boundary/order.js';
import type { Layout } from '../job/layout.js';
import { readJob } from '../run/job-file.js';
import { systemctl } from '../run/unit.js';
import { readSiteFile } from '../state/site.js';

/** Bytes of a question: a verb, a blank, an id of at most 64 characters, and room to say that it is too long. */
const LONGEST = 128;

/** Milliseconds for the question to arrive, and for the answer to be read. */
const PATIENCE = 2000;

/**
 * Root's half of the control socket, one question a connection: `start ID` or `stop ID`, answered with `ok` or a line
 * that says why not. All that it ever does is `systemctl start|stop` of the unit that the applied job of an applied
 * package names; both files belong to root. Resolves when the connection is over.
 */
export async function answerStarter(socket: Socket, layout: Layout): Promise<void> {
  socket.on('error', () => undefined);
  const question = await firstLine(socket);
  if (question === null) {
    socket.destroy();
    return;
  }
  const order = orderOf(question, layout);
  const problem = carryOut(order);
  await new Promise<void>((done) => {
    socket.once('close', done);
    socket.setTimeout(PATIENCE, () => socket.destroy());
    socket.end(problem === null ? 'ok\n' : `${problem}\n`, () => socket.destroy());
  });
}

/** What to tell systemctl. */
interface UnitOrder {
  readonly verb: 'start' | 'stop';
  readonly unit: string;
}

/** What the line asks, or why it may not. */
function orderOf(question: string, layout: Layout): UnitOrder | string {
  const order = parseOrder(question);
  if (order === null || order.verb === 'notify') return 'expected: start ID or stop ID';
  const { verb, id } = order;
  try {
    if (readSiteFile(layout)?.packages.some((pkg) => pkg.id === id) !== true)
      return `no package ${id} is applied here`;
    const { unit } = readJob(layout, id);
    return unit?.startsWith('mirror-sync-') ? { verb, unit } : `${id} has no unit`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Null when done, else why not. */
function carryOut(order: UnitOrder | string): string | null {
  return typeof order === 'string' ? order : systemctl(order.verb, '--no-block', '--', order.unit);
}

/** The first line, or all of a short message; null when the other side is slow, gone or says too much. */
function firstLine(socket: Socket): Promise<string | null> {
  return new Promise((done) => {
    let text = '';
    const late = setTimeout(() => settle(null), PATIENCE);
    const settle = (line: string | null): void => {
      clearTimeout(late);
      socket.removeAllListeners('data');
      done(line);
    };
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      text += piece;
      if (text.length > LONGEST) settle(null);
      else if (text.includes('\n')) settle(text.slice(0, text.indexOf('\n')));
    });
    socket.once('end', () => settle(null));
    socket.once('close', () => settle(null));
  });
}
