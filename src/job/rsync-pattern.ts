/** A path below a transfer's top as an anchored pattern of rsync(1): a backslash is special only beside a wildcard. */
export function rsyncPattern(path: string): string {
  return `/${/[*?[]/.test(path) ? path.replace(/[*?[\\]/g, '\\$&') : path}`;
}
