import { closeSync } from 'node:fs';
import { openToRead } from '../../../boundary/regular-file.js';
import { Lines } from '../lines.js';

/** What upstream says about its refs (`git ls-remote --symref`), or git about those in dst. Names are Latin-1, as `Lines` has them. */
export interface Answer {
  /** Name → id of the object. Only names that a repository can hold. */
  readonly refs: ReadonlyMap<string, string>;
  /** The commit of HEAD; null: not said, because HEAD names a branch that has no commit yet, or for lack of a HEAD. */
  readonly head: string | null;
  /** The branch that HEAD names; null: HEAD names no branch, or the server does not say. */
  readonly branch: string | null;
  /** Refs with names that git does not let anyone make, such as those that end with `.lock`. */
  readonly odd: readonly string[];
}

/** Reads an answer from the file that a tool printed it to; lines of another kind are not part of it. */
export function readAnswer(path: string): Answer {
  const refs = new Map<string, string>();
  const odd: string[] = [];
  let head: string | null = null;
  let branch: string | null = null;
  const fd = openToRead(path);
  try {
    for (const line of new Lines(fd)) {
      branch ??= /^ref: (refs\/heads\/\S+)\tHEAD$/.exec(line)?.[1] ?? null;
      const [, id = '', name = ''] = /^([0-9a-f]{40}(?:[0-9a-f]{24})?)\t([^\t]+)$/.exec(line) ?? [];
      if (name === 'HEAD') head = id;
      // `^{}` is what an annotated tag is of.
      if (!name.startsWith('refs/') || name.endsWith('^{}')) continue;
      if (isRefName(name)) refs.set(name, id);
      else odd.push(name);
    }
  } finally {
    closeSync(fd);
  }
  return { refs, head, branch, odd };
}

/** The refs of an answer that a repository mirrors: `patterns` are full names, or beginnings with a `*` at the end. */
export function chooseRefs({ refs }: Answer, patterns: readonly string[]): Map<string, string> {
  const names = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const beginnings = patterns.filter((pattern) => pattern.endsWith('*')).map((text) => text.slice(0, -1));
  const isChosen = (name: string): boolean =>
    names.has(name) || beginnings.some((beginning) => name.startsWith(beginning));
  return new Map([...refs].filter(([name]) => isChosen(name)));
}

/** Names in `a` that `b` lacks. */
export function namesOnlyIn(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  return [...a.keys()].filter((name) => !b.has(name));
}

/** Names of upstream's refs that dst lacks or has with another object. */
export function findDifferences(
  upstream: ReadonlyMap<string, string>,
  there: ReadonlyMap<string, string>,
): string[] {
  return [...upstream].filter(([name, id]) => there.get(name) !== id).map(([name]) => name);
}

/**
 * Names of `gone` that keep a new ref from being made: git holds no `a` beside an `a/b`, in either order.
 */
export function findObstacles(gone: readonly string[], upstream: ReadonlyMap<string, string>): string[] {
  const directories = new Set([...upstream.keys()].flatMap(ancestors));
  return gone.filter((name) => directories.has(name) || ancestors(name).some((above) => upstream.has(above)));
}

/** `refs/heads/a` and `refs/heads` for `refs/heads/a/b`; `refs` itself is no ref. */
function ancestors(name: string): string[] {
  const parts = name.split('/').slice(0, -1);
  return parts.slice(1).map((_, index) => parts.slice(0, index + 2).join('/'));
}

/** The rules of git-check-ref-format(1). */
export function isRefName(name: string): boolean {
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|[/.]$/.test(name)) return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}
