/**
 * The grammar of unit files, after systemd.syntax(7), systemd.service(5) and systemd.unit(5): how hostile text is made
 * inert, and which text cannot be written down at all.
 */

import { ID } from '../../job/job.js';

/** A word of Exec lines: always quoted; no variable, specifier or escape of it is expanded. */
export function word(text: string): string {
  if (/^[\w/.+-]+$/.test(text)) return `"${text}"`;
  const escaped = text.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return `"${escaped.replace(/[\p{Cc}]/gu, hex)}"`;
}

/** An item of the path lists (ReadWritePaths= and the like), whose quoting knows `\` but no `\n`; see `pathProblem`. */
export function path(text: string): string {
  if (/^[\w/.:+,@=-]+$/.test(text)) return text;
  return `"${text.replaceAll('%', '%%').replace(/[\\"]/g, '\\$&')}"`;
}

/** The rest of a line that is taken as it stands but for specifiers (LoadCredential='s path); see `pathProblem`. */
export function plain(text: string): string {
  return text.replaceAll('%', '%%');
}

/** Free text (Description=): one line, no specifiers, no continuation, and short enough to read. */
export function line(text: string): string {
  return comment(text).replaceAll('%', '%%');
}

/** Text behind `#`. */
export function comment(text: string): string {
  if (/^[!-~]([ -~]{0,198}[!-[\]-~])?$/.test(text)) return text; // As nearly all text is.
  const characters = Array.from(
    text
      // systemd takes neither half pairs nor noncharacters for UTF-8.
      .replace(/[\p{Cs}\p{Noncharacter_Code_Point}]/gu, '\uFFFD')
      // Turning the direction of writing could make a line read as another.
      .replace(/\p{Bidi_Control}/gu, '')
      .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
      .trim(),
  );
  const clipped = characters.length > 200 ? `${characters.slice(0, 200).join('')}…` : characters.join('');
  // A backslash at the end would join the next line.
  return clipped.replace(/\\+$/, '');
}

/** A URL that Documentation= takes, or null. */
export function documentation(url: string): string | null {
  return /^https?:\/\/[\w:/?#@!&()*+,;=.~%-]{1,500}$/.test(url) ? url.replaceAll('%', '%%') : null;
}

/** Why a path cannot stand in a unit, or null: systemd refuses or trims such paths and would then start without them. */
export function pathProblem(text: string): string | null {
  if (!text.startsWith('/')) return 'is not absolute';
  if (/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(text))
    return 'holds a control character or an invalid one';
  if (/(^|\/)\.\.?(\/|$)/.test(text)) return 'holds `.` or `..`';
  if (/[\s\\]$/.test(text)) return 'ends with a blank or a backslash';
  return text.length > 1024 ? 'is longer than 1024 characters' : null;
}

/** A user or group that User= and Group= take by name or number. */
export function isAccount(name: string | number): boolean {
  return typeof name === 'number' ? name >= 0 : /^(?:[A-Za-z_][\w.-]{0,30}\$?|\d{1,10})$/.test(name);
}

/** Unit name of a package, without suffix: the one character of an id that a unit name cannot hold is escaped. */
export function unitName(id: string): string {
  if (!ID.test(id)) throw new Error(`id ${JSON.stringify(id)} was not checked`);
  return `mirror-sync-${id.replaceAll('+', '\\x2b')}`;
}

function hex(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  // C1 controls are two bytes of UTF-8, and only bytes can be escaped: \u takes the character.
  return code < 0x80
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}
