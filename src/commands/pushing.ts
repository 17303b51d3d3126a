import { resolve } from 'node:path';
import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import { formatDuration, parseDuration } from '../model/duration.js';
import { pushWords } from '../run/push-words.js';
import { MAX_DEBOUNCE } from '../state/debounce.js';
import { appliedSite, selectPackages } from './applied-site.js';
import { authorizedKeys } from './authorized-keys.js';
import { ExitError } from './exit.js';
import { runningEntry } from './load-site.js';
import type { GlobalOptions } from './options.js';
import { requestPackages } from './requesting.js';

interface Pushed extends GlobalOptions {
  readonly id: readonly string[];
  readonly wait: boolean;
  readonly debounce: string;
}

/**
 * `mirror push`, by hand or as an ssh key's forced command: then what the other side wanted to run is in
 * SSH_ORIGINAL_COMMAND, of which plain words are kept with the request and nothing is run.
 */
export async function push(options: Pushed): Promise<void> {
  const debounce = parseDuration(options.debounce);
  if (debounce === null || debounce > MAX_DEBOUNCE) {
    const problem = `\`${options.debounce}\` is no duration up to ${formatDuration(MAX_DEBOUNCE)}, such as PT1M`;
    throw new ExitError(EXIT.usage, `mirror: --debounce: ${problem}`);
  }
  const { kept, left } = pushWords(process.env.SSH_ORIGINAL_COMMAND ?? '');
  if (left > 0) process.stderr.write(`mirror: ${String(left)} words of the ssh command are left out\n`);
  await requestPackages('push', options, { debounce, words: kept });
}

/** `mirror push ID.. --authorized-keys FILE`: for packages that are applied here, and this program's path. */
export function printAuthorizedKeys(options: Pushed, path: string): void {
  const ids = selectPackages(appliedSite(options).site, options.id).map(({ id }) => id);
  const root = options.root === undefined ? [] : ['--root', resolve(options.root)];
  const lines = authorizedKeys(path, [runningEntry(), ...root, 'push', ...ids]);
  if (options.json) {
    const list = lines.trimEnd().split('\n');
    process.stdout.write(`${jsonText({ format: 'mirror/push-keys/1', lines: list }, 2)}\n`);
  } else process.stdout.write(lines);
}
