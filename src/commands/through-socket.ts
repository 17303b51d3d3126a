import { MirrorClient, MirrorError } from '../control/client.js';
import { EXIT } from '../job/outcome.js';
import type { Layout } from '../job/layout.js';
import { ExitError } from './exit.js';

/**
 * Asks the control socket what this user may not do by himself. Throws ExitError 77 when the socket does not let him in
 * either, with what helps, and where the server refuses; 66 for what it does not know, 70 for its own mistakes.
 */
export async function throughSocket<T>(
  { controlSocket }: Layout,
  ask: (client: MirrorClient) => Promise<T>,
): Promise<T> {
  let client: MirrorClient;
  try {
    client = await MirrorClient.connect({ path: controlSocket, role: 'cli' });
  } catch (error) {
    throw new ExitError(
      EXIT.needsPerson,
      `mirror: ${notLetIn(error as NodeJS.ErrnoException, controlSocket)}`,
    );
  }
  try {
    return await ask(client);
  } catch (error) {
    throw new ExitError(exitOf(error), `mirror: ${(error as Error).message}`);
  } finally {
    client.close();
  }
}

function notLetIn({ code, message }: NodeJS.ErrnoException, path: string): string {
  const help = 'use sudo, or let your group in with `settings.socket`';
  if (code === 'EACCES') return `this user may neither do this nor use ${path}: ${help}`;
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return `this user may not do this, and nothing listens at ${path}: ${help}`;
  return `${path}: ${message}`;
}

function exitOf(error: unknown): number {
  if (!(error instanceof MirrorError)) return EXIT.needsPerson;
  if (error.status === 404) return EXIT.noInput;
  return error.status === 500 ? EXIT.internal : EXIT.needsPerson;
}
