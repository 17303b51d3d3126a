import { existsSync } from 'node:fs';
import type { Layout } from '../job/layout.js';

/** Milliseconds for an answer; systemd queues the job and returns. */
const PATIENCE = 10_000;

/** Whether `askStarter` can be asked: mirror's sockets are there, or were a moment ago. */
export function hasStarter(layout: Layout): boolean {
  return existsSync(layout.starterSocket);
}

/**
 * Has root start or stop a package's unit: only root may, and there is no polkit to ask. The other side
 * (`control/starter.ts`) starts applied packages and nothing else. Null when it was done, else what was said.
 */
export async function askStarter(layout: Layout, verb: 'start' | 'stop', id: string): Promise<string | null> {
  const { connect } = await import('node:net');
  return new Promise((done) => {
    const socket = connect({ path: layout.starterSocket });
    let said = '';
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('no answer')));
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (said += text));
    socket.on('error', (error) => done(`${layout.starterSocket}: ${error.message}`));
    socket.on('close', () =>
      done(said === 'ok\n' ? null : said.trim() || `${layout.starterSocket}: no answer`),
    );
    socket.end(`${verb} ${id}\n`);
  });
}
