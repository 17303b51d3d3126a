import type { Finding } from '../../diagnostics/diagnostic.js';
import { SECRET_WORD, withoutCredentials } from '../secret-text.js';
import { packageError, type CheckedSite } from './rule.js';

/** Options that are lists of words for a program, and whether a quote anywhere in a word is a mistake. */
const WORD_LISTS = [
  { option: 'base_args', anywhere: true },
  { option: 'extra_args', anywhere: true },
  { option: 'extra_rsync_args', anywhere: true },
  { option: 'exclude', anywhere: false },
  { option: 'command', anywhere: false },
] as const;

/**
 * Words go to the program as they are: quotes that a shell would take away stay, and match nothing. And they are no
 * place for secrets.
 */
export function plainWords({ packages }: CheckedSite): Finding[] {
  const findings: Finding[] = [];
  for (const { pkg, config } of packages) {
    const { options } = config.settings;
    if (!options) continue;
    for (const { option, anywhere } of WORD_LISTS) {
      const words = options[option];
      if (!Array.isArray(words)) continue;
      for (const [i, word] of (words as string[]).entries()) {
        const finding = secret(word) ?? (/["']/.test(word) ? quoted(word, anywhere) : null);
        if (finding) findings.push(packageError(pkg.id, `/settings/options/${option}/${i}`, finding));
      }
    }
  }
  return findings;
}

/** Every user of the machine can read the words of a running program. */
function secret(word: string): { code: string; message: string; help: string } | null {
  const flag = SECRET_WORD.exec(word)?.[1];
  if (flag === undefined) return null;
  return {
    code: 'secret-in-argv',
    message: `the word after \`${flag}\` is a secret, and everybody on the machine can read it`,
    help: 'name a file that holds it instead',
  };
}

function quoted(word: string, anywhere: boolean): { code: string; message: string; help: string } | null {
  const whole = /^(--?[\w-]+=)?(["'])(.*)\2$/.exec(word);
  if (!whole && !anywhere) return null;
  const [, flag = '', , inner = ''] = whole ?? [];
  return {
    code: 'quoted-word',
    message: 'there are quotes in this word, and no shell to take them away',
    help: whole ? `write \`${withoutCredentials(flag + inner)}\`` : 'write one word per item, without quotes',
  };
}
