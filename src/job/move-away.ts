import { shellWord } from './shell.js';

/**
 * Returns the command that gives what lies at a path another name, for people who may be root. It takes neither a directory
 * nor a link at the new name for a place to move into.
 */
export function moveAway(path: string, to = `${path}.old`): string {
  return `mv -T -- ${shellWord(path)} ${shellWord(to)}`;
}
