import { readRsyncWords, type RsyncWord } from '../../methods/rsync-words.js';
import { packageWarning, type CheckedPackage } from '../rules/rule.js';
import type { Hazard, HazardRule, Row } from './hazard.js';

interface WordRow extends Row {
  readonly code: 'rsync-code' | 'rsync-file';
  readonly names: RegExp;
  /** Only with these values. */
  readonly value?: RegExp;
}

/** Options of rsync(1) that run programs, or reach files that are no mirror's. Read as rsync reads them: `-ae sh` is `-e`. */
const WORDS: readonly WordRow[] = [
  { code: 'rsync-code', names: /^(-e|--rsh)$/, said: 'strict', does: 'names a program that rsync runs' },
  {
    code: 'rsync-code',
    names: /^--rsync-path$/,
    said: 'strict',
    does: 'names a command that the source runs, which may be this machine',
  },
  {
    code: 'rsync-code',
    names: /^(-M|--remote-option)$/,
    said: 'strict',
    does: 'hands options to the rsync of the source',
  },
  {
    code: 'rsync-code',
    names: /^--(config|copy-as|daemon|dparam|sender|server)$/,
    said: 'always',
    does: 'changes what rsync is, or whom it runs as',
  },
  {
    code: 'rsync-file',
    names: /^--(copy-devices|write-devices)$/,
    said: 'always',
    does: 'reads or writes devices as if they were files',
  },
  {
    code: 'rsync-file',
    names: /^--(log-file|only-write-batch|write-batch)$/,
    said: 'strict',
    does: 'writes a file outside of dst',
  },
  {
    code: 'rsync-file',
    names: /^(-T|--(backup-dir|partial-dir|temp-dir))$/,
    value: /^\//,
    said: 'strict',
    does: 'writes files outside of dst',
  },
  {
    code: 'rsync-file',
    names: /^--(early-input|exclude-from|files-from|include-from|password-file|read-batch)$/,
    said: 'strict',
    does: 'reads a file of this machine, and may send it to the source',
  },
  {
    code: 'rsync-file',
    names: /^(-f|--filter)$/,
    value: /^(merge|dir-merge|[.:])/,
    said: 'strict',
    does: 'reads rules from a file of this machine',
  },
  {
    code: 'rsync-file',
    names: /^(-K|--keep-dirlinks|--munge-links|--no-safe-links|--trust-sender)$/,
    said: 'strict',
    does: "believes the source's links or lists",
  },
];

const HELP =
  'take it out, unless it was reviewed like a program: `network.ssh` and `password_file` are checked';

const LISTS = ['base_args', 'extra_args', 'extra_rsync_args'] as const;

/** Keys of ftpsync.conf(5) with such words, blanks between them. */
const FTPSYNC_LISTS = ['RSYNC_EXTRA', 'RSYNC_OPTIONS', 'RSYNC_OPTIONS1', 'RSYNC_OPTIONS2'] as const;

/** Words for rsync by which a config runs code, or reaches files that are not the package's. */
export const codeInWords: HazardRule = ({ packages }) =>
  packages.flatMap((item) =>
    lists(item).flatMap(({ words, place }) =>
      readRsyncWords(words).flatMap((word): Hazard[] => {
        const row = WORDS.find((candidate) => meets(word, candidate));
        if (!row) return [];
        const { code, does, said } = row;
        const message = `\`${word.name}\` ${does}`;
        return [
          { said, finding: packageWarning(item.pkg.id, place(word.at), { code, message, help: HELP }) },
        ];
      }),
    ),
  );

interface WordList {
  readonly words: readonly string[];
  /** Pointer in the package to the word with an index. */
  readonly place: (at: number) => string;
}

function lists({ config: { synctype, settings } }: CheckedPackage): WordList[] {
  const options = settings.options as Readonly<Record<string, unknown>> | undefined;
  if (!options) return [];
  const found = LISTS.flatMap((option): WordList[] => {
    const words = options[option];
    const at = `/settings/options/${option}`;
    return Array.isArray(words) ? [{ words: words as string[], place: (i) => `${at}/${String(i)}` }] : [];
  });
  if (synctype !== 'ftpsync') return found;
  const extra = (options.extra ?? {}) as Readonly<Record<string, unknown>>;
  for (const key of FTPSYNC_LISTS) {
    const text = extra[key];
    if (typeof text !== 'string') continue;
    const words = text.split(' ').filter((word) => word !== '');
    found.push({ words, place: () => `/settings/options/extra/${key}` });
  }
  return found;
}

function meets({ name, value: given }: RsyncWord, { names, value }: WordRow): boolean {
  return names.test(name) && (value === undefined || value.test(given ?? ''));
}
