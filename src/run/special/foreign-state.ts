import { lstatSync } from 'node:fs';
import { asOwner } from '../../boundary/advice.js';
import { stateDirectories, type Layout } from '../../job/layout.js';

/**
 * Says why root must not work on the state of an installation below `--root`: its directories are another user's, who could
 * have put links there, and no account of this machine is known to be the right one. Null if all of them are root's.
 */
export function describeForeignState(layout: Layout): string | null {
  for (const { path } of stateDirectories(layout)) {
    const { uid, gid } = lstatSync(path, { throwIfNoEntry: false }) ?? { uid: 0, gid: 0 };
    if (uid === 0) continue;
    const help = `call mirror as that user: ${asOwner(uid, gid, 'mirror …')}`;
    return `${path} belongs to uid ${String(uid)}, so root does not work there\n  help: ${help}`;
  }
  return null;
}
