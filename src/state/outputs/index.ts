import type { Output } from './output.js';
import { stat } from './stat.js';
import { status } from './status.js';

/** Every file that publishing keeps current. */
export const outputs: readonly Output[] = [stat, status];
