/**
 * The patterns of `include`: `*` and `?` stand for characters of one path segment, as in sh; a leading dot must be
 * written out. Returns a pattern for whole absolute paths.
 */
export function globPattern(pattern: string): RegExp {
  const segments = pattern.split('/').map((segment) => segmentSource(segment));
  return new RegExp(`^${segments.join('/')}$`, 'su');
}

/** The pattern of one segment, or null where it is a plain name. */
export function segmentPattern(segment: string): RegExp | null {
  return /[*?]/.test(segment) ? new RegExp(`^${segmentSource(segment)}$`, 'su') : null;
}

function segmentSource(segment: string): string {
  const source = segment
    .replace(/[\\^$.|+()[\]{}/]/g, '\\$&')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  return /^[*?]/.test(segment) ? `(?!\\.)${source}` : source;
}
