/**
 * An exclude pattern of rsync(1) as the text of a regular expression for paths of a list; a directory's path is tried
 * with a `/` behind it as well. A pattern for a directory takes everything in it. What rsync knows: `*` and `?` stop at
 * `/`, `**` does not; `[…]`; `\` takes the next character as it is; a leading `/` anchors; a `/` or `**` inside looks at
 * whole paths, anything else at names; a trailing `/` is for directories only.
 */
export function listPattern(pattern: string): string {
  const directory = pattern.endsWith('/');
  const anchored = pattern.startsWith('/');
  const body = pattern.slice(anchored ? 1 : 0, directory ? -1 : undefined);
  const end = directory ? '/' : '(?:/|$)';
  // A leading `**/` is also met by what has nothing before it.
  const rest = !anchored && body.startsWith('**/') ? body.slice(3) : body;
  const groups = /[*?[]/.test(body) ? pieces(rest) : [[Array.from(rest, escaped).join('')]];
  // Without an end of its brackets, rsync matches nothing.
  return groups === null ? '(?!)' : linear(groups, anchored, end);
}

/**
 * Not the patterns that mean something else to rsync than a file to leave out, or that lists cannot be filtered by: a
 * `/` between brackets parts directories for rsync unless there is a `**`, and a `\\` there has rules of its own.
 */
export function isListPattern(pattern: string): boolean {
  return (
    !/^$|^\/$|^!$|^[+-][ _]|\/\/|\*{3}|\\$|\[:|\[[!^]?\]?[^\]]*[/\\]/.test(pattern) &&
    isRegex(listPattern(pattern))
  );
}

/**
 * Puts the pieces together without a way back: what follows a `*` or `**` is looked for at its first place, by a lookahead
 * that keeps what it found. A later place would leave less for the next one, never more. Only the last piece, which must
 * meet the end of a name, is tried everywhere. So the time is at most the product of both lengths.
 */
function linear(groups: readonly (readonly string[])[], anchored: boolean, end: string): string {
  let kept = 0;
  const keep = (text: string): string => {
    kept += 1;
    return `(?=(${text}))(?:\\${String(kept)})`;
  };
  const chain = ([first = '', ...others]: readonly string[], isLast: boolean): string =>
    first +
    others
      .map((piece, index) =>
        isLast && index === others.length - 1 ? `[^/]*${piece}` : keep(`[^/]*?${piece}`),
      )
      .join('');
  const keepChain = (before: string, group: readonly string[]): string => {
    kept += 1;
    const number = String(kept);
    return `(?=(${before}${chain(group, false)}))(?:\\${number})`;
  };
  const [first = [], ...others] = groups;
  if (others.length === 0) return `${anchored ? '^' : '(?:^|/)'}${chain(first, true)}${end}`;
  const start = anchored ? `^${keepChain('', first)}` : `^${keepChain('(?:|.*?/)', first)}`;
  const between = others.slice(0, -1).map((group) => keepChain('.*?', group));
  return `${start}${between.join('')}.*${chain(others.at(-1) ?? [], true)}${end}`;
}

/** A pattern's pieces as regular expressions: split at `**`, and those at `*`. Null when a bracket has no end. */
function pieces(body: string): string[][] | null {
  const groups: string[][] = [['']];
  const add = (text: string): void => {
    const group = groups.at(-1) ?? [];
    group.push((group.pop() ?? '') + text);
  };
  for (let index = 0; index < body.length; index += 1) {
    const char = body[index] ?? '';
    if (body.startsWith('**', index)) {
      groups.push(['']);
      index += 1;
    } else if (char === '*') groups.at(-1)?.push('');
    else if (char === '?') add('[^/]');
    else if (char === '\\') {
      index += 1;
      add(escaped(body[index] ?? '\\'));
    } else if (char === '[') {
      const [, not, set] = /^\[([!^]|(?![!^]))(\][^\]/\\]*|[^\]/\\]+)\]/.exec(body.slice(index)) ?? [];
      if (set === undefined) return null;
      add(`${not === '' ? '' : '(?!/)'}[${not === '' ? '' : '^'}${set.replace(/[[\]^&~|\\]/g, '\\$&')}]`);
      index += (not ?? '').length + set.length + 1;
    } else add(escaped(char));
  }
  return groups;
}

function escaped(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function isRegex(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
