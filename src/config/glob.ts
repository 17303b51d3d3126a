/**
 * The patterns of `include`: `*` and `?` stand for characters of one path segment, as in sh; a leading dot must be
 * written out. Returns whether a whole absolute path matches.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  const [segments, names] = [pattern.split('/'), path.split('/')];
  return (
    segments.length === names.length &&
    segments.every((segment, index) => matchesSegment(segment, names[index] ?? ''))
  );
}

/** Whether a segment of a pattern stands for more than the name that it is. */
export function isWild(segment: string): boolean {
  return /[*?]/.test(segment);
}

/**
 * Whether one segment of a pattern matches a name. Only the last `*` ever takes more, which no earlier one could do better:
 * the time is at most the product of both lengths, whatever the pattern.
 */
export function matchesSegment(segment: string, name: string): boolean {
  if (/^[*?]/.test(segment) && name.startsWith('.')) return false;
  const [wanted, given] = [Array.from(segment), Array.from(name)];
  let [at, to] = [0, 0];
  let star: { readonly at: number; to: number } | null = null;
  while (to < given.length) {
    const sign = wanted[at];
    if (sign === '*') {
      star = { at, to };
      at += 1;
    } else if (sign !== undefined && (sign === '?' || sign === given[to])) {
      at += 1;
      to += 1;
    } else if (star !== null) {
      star.to += 1;
      [at, to] = [star.at + 1, star.to];
    } else return false;
  }
  return wanted.slice(at).every((sign) => sign === '*');
}
