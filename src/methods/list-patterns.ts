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
  const literal = !/[*?[]/.test(body);
  const lead = anchored ? '^' : '(?:^|/)';
  // A leading `**/` is also met by what has nothing before it.
  const rest = !anchored && body.startsWith('**/') ? body.slice(3) : body;
  return `${lead}${regexBody(rest, literal)}${directory ? '/' : '(?:/|$)'}`;
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

function regexBody(body: string, literal: boolean): string {
  let text = '';
  for (let at = 0; at < body.length; at += 1) {
    const char = body[at] ?? '';
    if (literal) text += escaped(char);
    else if (body.startsWith('**', at)) {
      text += '.*';
      at += 1;
    } else if (char === '*') text += '[^/]*';
    else if (char === '?') text += '[^/]';
    else if (char === '\\') {
      at += 1;
      text += escaped(body[at] ?? '\\');
    } else if (char === '[') {
      const [, not, set] = /^\[([!^]|(?![!^]))(\][^\]/\\]*|[^\]/\\]+)\]/.exec(body.slice(at)) ?? [];
      // Without an end, rsync matches nothing.
      if (set === undefined) return '(?!)';
      text += `${not === '' ? '' : '(?!/)'}[${not === '' ? '' : '^'}${set.replace(/[[\]^&~|\\]/g, '\\$&')}]`;
      at += (not ?? '').length + set.length + 1;
    } else text += escaped(char);
  }
  return text;
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
