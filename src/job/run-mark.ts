/** Environment variable that every tool carries: which executor started it. */
export const RUN_VARIABLE = 'MIRROR_RUN';

/** Value of that variable for an executor; with the start time it names one process for ever. */
export function runMark(pid: number, start: number): string {
  return `${pid}.${start}`;
}
