/** A path without doubled or trailing slashes, so that equal directories are equal strings. */
export function plainPath(path: string): string {
  if (!path.endsWith('/') && !path.includes('//')) return path;
  return path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
}
