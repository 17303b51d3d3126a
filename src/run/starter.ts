import { existsSync } from 'node:fs';
import type { Layout } from '../job/layout.js';

/** Milliseconds for an answer; systemd queues the job and returns. */
const PATIENCE = 10_000;

/** Whether `askStarter` can be asked: mirror's sockets are there, or were a moment ago. */
export function hasStarter(layout: Layout): boolean {
  return existsSync(layout.starterSocket);
}

/** Milliseconds for which a server that is full is asked again, and between two tries. */
const FULL_MS = 5000;
const RETRY_MS = 200;

/**
 * Has root start or stop a package's unit: only root may, and there is no polkit to ask. The other side
 * (`control/starter.ts`) starts applied packages and nothing else. Tries again when it hangs up without a word: then its
 * places are taken. Null when it was done, else what was said.
 */
export async function askStarter(layout: Layout, verb: 'start' | 'stop', id: string): Promise<string | null> {
  const until = Date.now() + FULL_MS;
  for (;;) {
    const said = await askOnce(layout.starterSocket, `${verb} ${id}\n`);
    if (said === 'ok\n') return null;
    if (said !== '' || Date.now() > until) return said.trim() || `${layout.starterSocket}: no answer`;
    await new Promise((done) => setTimeout(done, RETRY_MS));
  }
}

/** What the other side says to a question; empty when it hung up. */
async function askOnce(path: string, question: string): Promise<string> {
  const { connect } = await import('node:net');
  return new Promise((done) => {
    const socket = connect({ path });
    let said = '';
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('no answer')));
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (said += text));
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) =>
      // A server that hangs up before it has read the question.
      done(code === 'EPIPE' || code === 'ECONNRESET' ? said : `${path}: ${message}`),
    );
    socket.on('close', () => done(said));
    socket.end(question);
  });
}
