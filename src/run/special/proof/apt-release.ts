/**
 * Release files of apt repositories: fields as in RFC 822, and lists of ` DIGEST SIZE NAME` lines (Debian wiki,
 * DebianRepository/Format).
 */

/** Most bytes of a Release file that are read; that of the largest archive has some hundred thousand. */
export const RELEASE_LIMIT_BYTES = 64 << 20;

/** What an index says of a file. */
export interface Expected {
  readonly size: number;
  /** As node:crypto names it; null: the index gives no digest. */
  readonly algorithm: string | null;
  readonly digest: string;
}

/** A Release file as the proof needs it. */
export interface Release {
  /** Files of the index by their paths beside the Release file, each with its strongest digest. */
  readonly files: ReadonlyMap<string, Expected>;
  /** The folder below `by-hash` in which apt looks for the files. */
  readonly byHash: 'SHA512' | 'SHA256' | null;
  /** Whether clients of every architecture fetch the index of `all` beside their own. */
  readonly hasIndexOfAll: boolean;
  /** Epoch milliseconds; null: the file does not say. */
  readonly date: number | null;
  readonly validUntil: number | null;
  readonly codename: string;
  readonly suite: string;
}

/** Digests that apt accepts (2.6: `APT::Hashes`), strongest first; MD5 and SHA-1 alone are refused by every client. */
const ALGORITHMS = [
  ['SHA512', 'sha512'],
  ['SHA256', 'sha256'],
] as const;

/** Reads a Release file's text; null: it has no digest that apt accepts. */
export function parseRelease(text: string): Release | null {
  const fields = fieldsOf(text);
  const value = (name: string): string => fields.get(name)?.[0]?.trim() ?? '';
  const files = new Map<string, Expected>();
  let byHash: Release['byHash'] = null;
  for (const [name, algorithm] of ALGORITHMS) {
    for (const line of fields.get(name.toLowerCase())?.slice(1) ?? []) {
      const [digest, size, path] = line.trim().split(/\s+/);
      if (digest === undefined || size === undefined || path === undefined) continue;
      const plain = plainPath(path);
      if (plain === null || files.has(plain)) continue;
      files.set(plain, { size: Number(size), algorithm, digest });
      byHash ??= name;
    }
  }
  if (files.size === 0 && (fields.has('md5sum') || fields.has('sha1'))) return null;
  return {
    files,
    byHash: value('acquire-by-hash') === 'yes' ? byHash : null,
    hasIndexOfAll:
      value('architectures').split(/\s+/).includes('all') &&
      !value('no-support-for-architecture-all').split(/\s+/).includes('Packages'),
    date: time(value('date')),
    validUntil: time(value('valid-until')),
    codename: value('codename'),
    suite: value('suite'),
  };
}

/** Fields by their names in lower case: the value behind the colon, then the lines that continue it. */
function fieldsOf(text: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  let field: string[] = [];
  for (const line of text.split('\n')) {
    if (/^[ \t]/.test(line)) field.push(line);
    else {
      const [, name = '', value = ''] = /^([^:\s]+):(.*)$/.exec(line) ?? [];
      field = [value];
      if (!fields.has(name.toLowerCase())) fields.set(name.toLowerCase(), field);
    }
  }
  return fields;
}

function time(text: string): number | null {
  const found = text === '' ? NaN : Date.parse(text);
  return Number.isNaN(found) ? null : found;
}

/** Whether two texts differ in no more than white space at the ends of lines, which a clear signature does not sign. */
export function isSameText(a: string, b: string): boolean {
  const bare = (text: string): string =>
    text
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .trim();
  return bare(a) === bare(b);
}

/**
 * A path of an index as apt's clients and web servers read it: without `.`, `..` and doubled or leading slashes; null: it
 * leads out of the repository, or names none of its files.
 */
export function plainPath(path: string): string | null {
  if (!/(^|\/)(\.{0,2})(\/|$)/.test(path)) return path.includes('\0') ? null : path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return null;
    } else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.length === 0 || path.includes('\0') ? null : parts.join('/');
}
