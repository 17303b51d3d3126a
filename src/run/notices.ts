import { spawn } from 'node:child_process';
import { closeSync, constants, fchmodSync } from 'node:fs';
import { openRegularFile } from '../boundary/regular-file.js';
import { askRoot, isHandedOver } from '../boundary/root-service.js';
import type { Layout } from '../job/layout.js';
import type { SiteFile } from '../job/site-file.js';
import { hasNotices } from '../state/incident.js';
import { writeStderr } from './console.js';

/**
 * Sees to it that people are told of packages that keep failing. Under systemd the caller is in a sandbox, where no mail
 * program works: it touches a marker, and mirror-notify.path starts the unit that sends. Elsewhere a process of its own
 * sends, started by the root that handed this one over because the webhook's file is root's. Resolves when that is over; what goes wrong is a warning, and the next tick tries again.
 */
export async function tellPeople(layout: Layout, site: SiteFile): Promise<void> {
  try {
    if (!site.notify || !hasNotices(layout, site, Date.now())) return;
    if (site.notify.sender === 'unit') wakeUnit(layout);
    else if (isHandedOver()) sendByRoot();
    else await sendHere(layout);
  } catch (error) {
    writeStderr(`mirror: no notice was sent: ${(error as Error).message}`);
  }
}

function wakeUnit({ noticesMarker }: Layout): void {
  const fd = openRegularFile(noticesMarker, constants.O_WRONLY | constants.O_CREAT, { mode: 0o664 });
  try {
    // Packages may run as different users of one group.
    fchmodSync(fd, 0o664);
  } catch {
    // Somebody else's, who did so.
  }
  closeSync(fd);
}

function sendByRoot(): void {
  const problem = askRoot('notify');
  if (problem !== null) writeStderr(`mirror: ${problem}`);
}

function sendHere({ root }: Layout): Promise<void> {
  const [entry = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [entry, 'notify', ...(root === '' ? [] : ['--root', root])], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('exit', () => done());
  });
}
