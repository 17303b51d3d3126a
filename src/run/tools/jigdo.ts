import { OK } from './table.js';
import type { ToolTable } from './table.js';

/** jigdo-mirror ends with 0 whether or not it made its images, which the step looks for; what it says of the disk counts here. */
export const jigdo: ToolTable = {
  name: 'jigdo-mirror',
  never: [],
  rows: [
    [[0], /(No space left on device|Disk quota exceeded)/, 'space', 'no space left'],
    OK,
    [[126, 127], null, 'config', 'jigdo-mirror cannot be run'],
    [null, /(No space left on device|Disk quota exceeded)/, 'space', 'no space left'],
  ],
  neverStarted: [],
  explains: [/ Error /, 'last'],
  transfer: () => null,
};
