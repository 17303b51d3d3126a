/** An item of a list of words as rsync reads it: a letter of a cluster is an option too, an option's value is not. */
export interface RsyncWord {
  /** Index of the item. */
  readonly at: number;
  /** `--delete`, or `-n` for a letter; a word that is no option as it is. */
  readonly name: string;
  /** `lacks-value`: the option takes the next word, and there is none. `end`: after `--` nothing is an option. */
  readonly kind: 'option' | 'lacks-value' | 'no-option' | 'end';
  /** Behind the `=`, in the rest of a cluster, or the next item; null where the option has none. */
  readonly value: string | null;
}

/** Long options whose value may be a word of its own: those of rsync 3.5.0, old names too (rsync(1); a test asks rsync). */
const TAKES_VALUE = new Set(
  (
    'address backup-dir block-size bwlimit cc checksum-choice checksum-seed chmod chown compare-dest ' +
    'compress-choice compress-level compress-threads config confine-root contimeout copy-as copy-dest debug ' +
    'dparam early-input exclude exclude-from files-from filter groupmap iconv include include-from info ' +
    'link-dest log-file log-file-format log-format max-alloc max-delete max-size min-size modify-window ' +
    'only-write-batch out-format outbuf partial-dir password-file port protocol read-batch remote-option rsh ' +
    'rsync-path skip-compress sockopts stderr stop-after stop-at suffix temp-dir time-limit timeout usermap ' +
    'write-batch zc zl zt'
  ).split(' '),
);

/** Letters with a value: the rest of their word, else the next one. */
const LETTER_WITH_VALUE = /[efBMT@]/;

/** Reads words as rsync does, which knows no abbreviations and takes the word behind an option with a value whatever it is. */
export function readRsyncWords(words: readonly string[]): RsyncWord[] {
  const found: RsyncWord[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') return [...found, { at, name: word, kind: 'end', value: null }];
    if (!/^-./.test(word)) {
      found.push({ at, name: word, kind: 'no-option', value: null });
      continue;
    }
    const { names, value, wants } = word.startsWith('--') ? longOption(word) : cluster(word);
    const given = wants ? (words[at + 1] ?? null) : value;
    for (const [i, name] of names.entries()) {
      const isLast = i === names.length - 1;
      const kind = isLast && wants && given === null ? 'lacks-value' : 'option';
      found.push({ at, name, kind, value: isLast ? given : null });
    }
    if (wants) at += 1;
  }
  return found;
}

/** The words without those that delete (`--delete…`, `--del`), none of which takes a value. */
export function withoutDeletes(words: readonly string[]): string[] {
  const deletes = new Set(readRsyncWords(words).flatMap(({ at, name }) => (DELETES.test(name) ? at : [])));
  return words.filter((_, at) => !deletes.has(at));
}

/** Names of options that delete what upstream does not have. */
export const DELETES = /^--del(ete(-.*)?)?$/;

/** What an item has in it: options, and the value of the last one. `wants`: that is the next item. */
interface Item {
  readonly names: readonly string[];
  readonly value: string | null;
  readonly wants: boolean;
}

function longOption(word: string): Item {
  const equals = word.indexOf('=');
  if (equals < 0) return { names: [word], value: null, wants: TAKES_VALUE.has(word.slice(2)) };
  return { names: [word.slice(0, equals)], value: word.slice(equals + 1), wants: false };
}

function cluster(word: string): Item {
  const letters = word.slice(1);
  const last = letters.search(LETTER_WITH_VALUE);
  if (last < 0) return { names: Array.from(letters, (letter) => `-${letter}`), value: null, wants: false };
  const names = Array.from(letters.slice(0, last + 1), (letter) => `-${letter}`);
  const value = letters.slice(last + 1);
  return { names, value: value || null, wants: value === '' };
}
