import { shellWord } from '../../job/shell.js';

/** The grammar of a cron command, after crontab(5): sh's, and a `%` that becomes a line end unless a backslash guards it. */

/** One word of the command. Text with a line end cannot be a word. */
export function cronWord(text: string): string {
  if (/[\p{Cc}]/u.test(text)) throw new Error('a cron line cannot hold control characters');
  // cron takes the backslash away before the shell sees it, quoted or not.
  return shellWord(text).replaceAll('%', '\\%');
}

/** Text behind `#`, on one line. */
export function comment(text: string): string {
  const flat = text
    .replace(/\p{Cs}/gu, '\uFFFD')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return Array.from(flat).slice(0, 200).join('');
}
