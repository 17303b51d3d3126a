import { accessSync, constants } from 'node:fs';
import type { Layout } from '../job/layout.js';

/** Whether this user may write requests and stops himself; else the control socket is asked. What is missing is no ban. */
export function mayRequest({ state }: Layout): boolean {
  try {
    accessSync(`${state}/request`, constants.W_OK);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'EACCES' && code !== 'EROFS';
  }
}
