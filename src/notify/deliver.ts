import type { Layout } from '../job/layout.js';
import type { SiteFile } from '../job/site-file.js';
import { pendingNotice, type Channel, type Incident, type Notice } from '../state/incident.js';
import { removeRecord, writeRecord } from '../state/record-file.js';
import { idsIn, peekState } from '../state/store.js';
import { tryLock } from '../system/flock.js';
import { send, type Targets } from './channels.js';
import { messageOf } from './message.js';

/** Seconds to wait for another sender: it may have looked before the run that we are here for had ended. */
const LOCK_PATIENCE = 120;

/** How a delivery went: one line for each message that a channel took, one for each that none took. */
export interface Delivery {
  readonly sent: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Tells people what there is to tell, under the notices lock. Each channel is told at least once, and once unless a kill
 * comes in the moment between its taking the message and our writing that down: a notice that is lost would be worse than
 * one that comes twice with the same incident's name. A channel that fails is left alone for this round and tried again
 * by the next tick. Throws the system's error when what was told cannot be written down.
 */
export async function deliver(layout: Layout, site: SiteFile, targets: Targets): Promise<Delivery> {
  const lock = tryLock(layout.noticesLock, LOCK_PATIENCE);
  if (lock === null) return { sent: [], problems: ['another process has been sending for two minutes'] };
  try {
    const sent: string[] = [];
    const failed = new Map<Channel, string>();
    forgetRemoved(layout, site);
    for (const pkg of site.packages) {
      // A recovery may be followed by the next incident at once; two rounds, because no channel must be asked for ever.
      for (let round = 0; round < 2; round += 1) {
        const notice = pendingNotice(layout, site, pkg.id, Date.now());
        if (notice === 'forget') removeRecord(layout.incidentFile(pkg.id));
        if (notice === null || notice === 'forget') continue;
        const message = messageOf(site, pkg, peekState(layout, pkg.id), notice.event, notice.incident);
        let { incident } = notice;
        for (const channel of notice.channels.filter((one) => !failed.has(one))) {
          const problem = await send(channel, message, targets);
          if (problem === null) {
            incident = told(notice.event, incident, channel);
            remember(layout, incident);
            sent.push(`${pkg.id}: ${notice.event} by ${channel}`);
          } else {
            failed.set(channel, problem);
          }
        }
      }
    }
    return { sent, problems: [...failed].map(([channel, problem]) => `${channel}: ${problem}`) };
  } finally {
    lock.release();
  }
}

function told(event: Notice['event'], incident: Incident, channel: Channel): Incident {
  return event === 'failure'
    ? { ...incident, told: [...incident.told, channel] }
    : { ...incident, over: [...incident.over, channel] };
}

function remember(layout: Layout, incident: Incident): void {
  writeRecord(layout.incidentFile(incident.id), incident);
}

/** Packages that were taken out of the config are nobody's worry any more. */
function forgetRemoved(layout: Layout, site: SiteFile): void {
  const ids = new Set(site.packages.map(({ id }) => id));
  for (const id of idsIn(layout, 'incident')) if (!ids.has(id)) removeRecord(layout.incidentFile(id));
}
