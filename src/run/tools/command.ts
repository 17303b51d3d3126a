import { OK } from './table.js';
import type { ToolTable } from './table.js';

/** A command of the site's own speaks sysexits(3). */
export const command: ToolTable = {
  name: 'command',
  never: [],
  rows: [
    OK,
    [[69, 75], null, 'unavailable', 'the command says: try later'],
    [[64, 78, 126, 127], null, 'config', 'the command says: wrong configuration'],
    [[77], null, 'auth', 'the command says: permission denied'],
    [[73], null, 'space', 'the command cannot create its output'],
    [[74], null, 'io', 'the command says: input/output error'],
  ],
  neverStarted: [],
  explains: ['last'],
  transfer: () => null,
};
