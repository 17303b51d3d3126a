import { MAX_WORDS } from '../state/store.js';

/** Archvsync's words are `sync:stage1`, `sync:archive:debian`, `sync:mhop` and the like; nothing else is of use. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.:,=+@/-]{0,63}$/;

/**
 * What an upstream said when it pushed (`SSH_ORIGINAL_COMMAND`, or a client's words), as far as it is plain words. It
 * is data for methods that tell stages apart and never reaches a shell or an argv; the rest is counted and left out.
 */
export function pushWords(said: string | readonly string[]): { kept: readonly string[]; left: number } {
  const all = typeof said === 'string' ? said.slice(0, 4096).split(/\s+/).filter(Boolean) : said;
  const kept = [...new Set(all.filter((word) => WORD.test(word)))].slice(0, MAX_WORDS);
  return { kept, left: new Set(all).size - kept.length };
}
