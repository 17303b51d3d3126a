import { styleText } from 'node:util';

/** Whether to colour what is written to a stream: a terminal, unless NO_COLOR or TERM=dumb says no; FORCE_COLOR says yes. */
export function wantsColor(stream: NodeJS.WriteStream): boolean {
  return styleText('red', 'x', { stream }) !== 'x';
}
