import { DELAYED_DIRECTORY, FILE_SYSTEMS_OWN, OWN_DIRECTORY } from '../job/never-upstream.js';
import type { CountClosedStep } from '../job/step.js';
import type { Package } from '../model/site.js';

/**
 * The last step of a method whose permissions follow upstream. What lies in a closed directory is not looked at: the directory
 * stands for it. find(1) of every system knows these words.
 */
export function countClosed({ dst }: Package): CountClosedStep {
  const names = [...FILE_SYSTEMS_OWN, OWN_DIRECTORY, DELAYED_DIRECTORY];
  const skipped = names.flatMap((name, index) => [...(index === 0 ? [] : ['-o']), '-name', name]);
  const closedDirectory = ['-type', 'd', '!', '-perm', '-005', '-prune', '-print'];
  const closedFile = ['!', '-type', 'd', '!', '-type', 'l', '!', '-perm', '-004', '-print'];
  const below = ['-type', 'd', '(', ...skipped, ')', '-prune'];
  return {
    kind: 'count-closed',
    tool: 'command',
    argv: ['find', `${dst}/`, '-mindepth', '1', ...below, '-o', ...closedDirectory, '-o', ...closedFile],
    cwd: '/',
  };
}
