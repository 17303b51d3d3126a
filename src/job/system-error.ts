import { EXIT } from './outcome.js';
import { moveAway } from './move-away.js';
import { shellWord } from './shell.js';

/** What the system refused: words for people, and how a program ends that could not do without. */
export interface Refused {
  readonly text: string;
  readonly exit: number;
}

/** Code of UnfitFile: what lies in a small file's place is not read. */
const UNFIT = 'EUNFIT';

/**
 * An error of the system in words with what helps, or null for one that is none. A full disk exits 73, a disk that is
 * read-only or broken, or a file that is not read, 74, a missing permission 77; what else cannot be made or read exits with `otherwise`.
 */
export function refusedBySystem(error: unknown, otherwise: number): Refused | null {
  const { code, message, path, dest, syscall } = error as NodeJS.ErrnoException & { dest?: string };
  if (code === UNFIT && path !== undefined) {
    const help = `look what made it, and move it away: ${moveAway(path, `${path}.odd`)}`;
    return { text: `${message}\n  help: ${help}`, exit: EXIT.io };
  }
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code) || (syscall === undefined && code !== 'EDQUOT'))
    return null;
  const place = dest ?? path;
  const directory = place === undefined ? '' : ` ${shellWord(place.replace(/\/[^/]*$/, '') || '/')}`;
  const said = (help: string, exit: number): Refused => ({ text: `${message}\n  help: ${help}`, exit });
  switch (code) {
    case 'ENOSPC':
      return said(`make room on that disk: df -h${directory}; df -i${directory}`, EXIT.cantCreate);
    case 'EDQUOT':
      return said(`make room within this user's quota: quota -s, df -h${directory}`, EXIT.cantCreate);
    case 'EROFS':
      return said(
        `that disk is mounted read-only: findmnt -T${directory || ' DIRECTORY'}, and dmesg says why`,
        EXIT.io,
      );
    case 'EIO':
      return said('the disk reports an error: see dmesg', EXIT.io);
    case 'EACCES':
    case 'EPERM':
      return said('run this as root or as the mirror user', EXIT.needsPerson);
    default:
      return { text: message, exit: otherwise };
  }
}
