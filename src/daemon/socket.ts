import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { CommandError } from '../control/connection.js';
import { controlHandlers } from '../control/handlers.js';
import { VERSION } from '../control/main.js';
import { controlServer } from '../control/server.js';
import type { Layout } from '../job/layout.js';
import type { SiteFile } from '../job/site-file.js';
import { findGroup, findUser } from '../system/users.js';
import type { Difference } from './applied.js';

/** What the daemon answers beside the commands of the control socket. */
export interface Asked {
  /** Null when the config could not be applied. */
  reload(): Promise<Difference | null>;
  say(message: string): void;
}

/**
 * Listens on the control socket that systemd listens on elsewhere: same protocol, same access, and `reload` besides. The
 * caller holds the daemon lock, so a socket that is there was left by a dead daemon. Throws the system's error.
 */
export async function listenForControl(layout: Layout, site: SiteFile, asked: Asked): Promise<Server> {
  const path = layout.controlSocket;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  rmSync(path, { force: true });
  const handlers = new Map(controlHandlers(layout, 'control socket'));
  handlers.set('reload', async () => {
    const changes = await asked.reload();
    if (changes === null)
      throw new CommandError(409, 'the config was not applied; the daemon’s messages say why');
    return changes;
  });
  const server = controlServer({
    handlers,
    version: VERSION,
    role: 'daemon',
    say: (text) => asked.say(text),
  });
  const listening = new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.once('listening', done);
  });
  // Node binds at once: the umask is back before anything else is started.
  const umask = process.umask(0o177);
  server.listen(path);
  process.umask(umask);
  await listening;
  own(path, site);
  return server;
}

/** Owner first: whoever it is given to gets its mode with it. */
function own(path: string, { socket }: SiteFile): void {
  if (!socket) return;
  if (process.getuid?.() === 0) {
    const uid = findUser(socket.uid)?.uid ?? 0;
    chownSync(path, uid, findGroup(socket.gid) ?? 0);
  }
  chmodSync(path, parseInt(socket.mode, 8));
}
