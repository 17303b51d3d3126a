import type { Finding } from '../diagnostics/diagnostic.js';

/** What both schedulers refuse: the program's path is the one free text in Exec and cron lines. */
export function executableFindings(executable: string): Finding[] {
  if (/^\/[\w.+@/ -]{1,250}$/.test(executable) && !/ $/.test(executable)) return [];
  return [
    {
      code: 'bad-executable',
      severity: 'error',
      message: `\`${executable.slice(0, 100)}\` cannot be called from units and cron lines`,
      help: 'set `settings.executable` to an absolute path of letters, digits, blanks and `._+@-/`, at most 250 long',
    },
  ];
}

/** Some names of a list for a message: the first few, and how many more. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `\`${name}\``);
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
