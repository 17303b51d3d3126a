import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { openFileBelow } from '../../../boundary/regular-file.js';
import { readOpened } from '../../../boundary/small-file.js';
import { lstatIfThere, unlessGone } from '../../../system/if-there.js';

/** More links on the way to a file than this are a circle. */
const MOST_LINKS = 8;

/** A file of the index: `isHeld` tells whether it is new. */
export interface IndexPlace {
  readonly path: string;
  readonly sizeBytes: number;
  readonly isHeld: boolean;
}

/**
 * An index as readers will see it: what is held, and of dst what is not held because it has not changed. A link of either
 * may lead to a file of the other.
 */
export class Overlay {
  /** `roots`: directories, the first that has a file counts. */
  constructor(
    private readonly held: string | null,
    private readonly dst: string,
  ) {}

  /** The regular file at a path below the repository; null: there is none. */
  find(path: string, links = 0): IndexPlace | null {
    for (const root of this.roots()) {
      const at = join(root, path);
      const stat = lstatIfThere(at);
      if (stat === null) continue;
      if (stat.isFile()) return { path: at, sizeBytes: stat.size, isHeld: root === this.held };
      if (!stat.isSymbolicLink() || links === MOST_LINKS) return null;
      const target = normalize(join(dirname(path), readlinkSync(at)));
      if (target.startsWith('..') || readlinkSync(at).startsWith('/')) return null;
      return this.find(target, links + 1);
    }
    return null;
  }

  /** Opens a place for reading, wherever links on the way to it lead: not out of the repository. */
  open(place: IndexPlace): number {
    return openFileBelow(place.path, [...this.roots()]);
  }

  /** The text of a file; null: there is none. Throws UnfitFile for one that is larger. */
  text(path: string, limitBytes: number): string | null {
    const place = this.find(path);
    if (place === null) return null;
    const fd = this.open(place);
    try {
      return readOpened(fd, place.path, limitBytes).toString('utf8');
    } finally {
      closeSync(fd);
    }
  }

  /** Distributions by their paths below `dists`: directories that have a Release file, none of them below another. */
  distributions(path = ''): string[] {
    const directories = new Set<string>();
    for (const root of this.roots()) {
      const entries = unlessGone(() => readdirSync(join(root, 'dists', path), { withFileTypes: true })) ?? [];
      for (const entry of entries) {
        if (path !== '' && /^(In)?Release$/.test(entry.name)) return [path];
        // A link is another name of a distribution.
        if (entry.isDirectory()) directories.add(entry.name);
      }
    }
    const depth = path === '' ? 0 : path.split('/').length;
    if (depth > 2) return [];
    return [...directories]
      .sort()
      .flatMap((name) => this.distributions(path === '' ? name : `${path}/${name}`));
  }

  private roots(): readonly string[] {
    return this.held === null ? [this.dst] : [this.held, this.dst];
  }
}
