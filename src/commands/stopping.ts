import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import { readJob } from '../run/job-file.js';
import { stopRun } from '../run/stop.js';
import type { StopEnd } from '../run/stop.js';
import { whoAsks } from '../run/who.js';
import { appliedSite, selectPackages } from './applied-site.js';
import { ExitError } from './exit.js';
import { mayRequest } from './may-request.js';
import type { GlobalOptions } from './options.js';

/** How stopping one package ended; an error is another user's run, or systemd's refusal. */
interface Stopped {
  readonly id: string;
  readonly end: StopEnd | 'error';
  readonly problem: string | null;
}

const WORDS: Readonly<Record<StopEnd, string>> = {
  stopped: 'stopped',
  'not-running': 'was not running',
  'still-running': 'was told to stop, and still runs',
};

/** `mirror stop`: all packages at once, because each may take its time to end. */
export async function stopPackages(
  options: GlobalOptions & { readonly id: readonly string[] },
): Promise<void> {
  const { layout, site } = appliedSite(options);
  const by = whoAsks(process.env);
  const ids = selectPackages(site, options.id).map(({ id }) => id);
  const stopped = await Promise.all(
    ids.map(async (id): Promise<Stopped> => {
      try {
        return { id, end: await stop(layout, id, by), problem: null };
      } catch (error) {
        return { id, end: 'error', problem: (error as Error).message.replace(/^mirror: /, '') };
      }
    }),
  );
  if (options.json) {
    process.stdout.write(`${jsonText({ format: 'mirror/stop/1', packages: stopped }, 2)}\n`);
  }
  for (const { id, end, problem } of stopped) {
    if (end === 'error') process.stderr.write(`mirror: ${id}: ${problem ?? ''}\n`);
    else if (!options.json) process.stdout.write(`${id}: ${WORDS[end]}\n`);
  }
  if (stopped.some(({ end }) => end === 'error')) throw new ExitError(EXIT.needsPerson);
  if (stopped.some(({ end }) => end === 'still-running')) throw new ExitError(EXIT.busy);
}

/** By ourselves, or through the control socket where this user may not. */
async function stop(layout: Layout, id: string, by: string): Promise<StopEnd> {
  if (mayRequest(layout)) return stopRun(layout, readJob(layout, id), by);
  const { throughSocket } = await import('./through-socket.js');
  return (await throughSocket(layout, (client) => client.stopSync(id))).end;
}
