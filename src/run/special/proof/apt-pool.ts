import { unlinkSync } from 'node:fs';
import type { Transfer } from '../../../state/package-state.js';
import { digestOf } from '../digest.js';
import { figures } from '../../figures.js';
import { PathSet } from '../lists/path-set.js';
import type { Expected } from './apt-release.js';
import { lstatIfThere } from '../../../system/if-there.js';

/** Wrong files that are remembered by name; of more, something is wrong that no second fetch of each heals. */
const MOST_REMEMBERED = 1000;

/** A file that the index names and dst lacks, or has with other content. */
export interface WrongFile {
  readonly path: string;
  readonly expected: Expected;
  readonly problem: 'missing' | 'damaged' | 'replaced';
}

/** What the pool is held against, beside the new index. */
export interface PoolRules {
  readonly dst: string;
  /** Epoch milliseconds: files that changed later came in this run, and are read. */
  readonly beganMs: number;
  /** What the tool was to fetch; null: all that is named. */
  readonly wanted: PathSet | null;
  /** Path and digest of all files of the index before, as `entryOf` writes them; null: there was no index. */
  readonly before: PathSet | null;
}

/** A file with its content, as one text for a set. */
export function entryOf(path: string, { digest }: Expected): string {
  return `${path}\0${digest}`;
}

/**
 * Holds the files of dst against what an index names, one after the other. All are looked at, those are read that came in
 * this run or that the index of before names with another digest or not at all. Memory is 16 bytes for each file.
 */
export class PoolCheck {
  /** All paths that are named and wanted. */
  readonly named = new PathSet();
  readonly wrong: WrongFile[] = [];
  wrongCount = 0;
  private files = 0;
  private totalBytes = 0;
  private cameFiles = 0;
  private cameBytes = 0;

  constructor(private readonly rules: PoolRules) {}

  /** `isChanged`: the index that names it is not the one of before. */
  check(path: string, expected: Expected, isPlain: boolean, isChanged: boolean): void {
    const { dst, beganMs, wanted, before } = this.rules;
    if (wanted !== null && !wanted.has(path)) return;
    if (!this.named.add(path)) return;
    this.files += 1;
    if (!isPlain) {
      this.add(path, expected, 'missing');
      return;
    }
    // A plain path needs no join, which takes as long as the look at the file.
    const file = `${dst}/${path}`;
    const stat = lstatIfThere(file);
    if (stat?.isFile() !== true) {
      this.add(path, expected, 'missing');
      return;
    }
    const isFresh = stat.ctimeMs >= beganMs;
    const hasSize = Number.isNaN(expected.size) || stat.size === expected.size;
    const isNewEntry = isChanged && before !== null && !before.has(entryOf(path, expected));
    if (!hasSize || ((isFresh || isNewEntry) && !hasDigest(file, expected))) {
      // A tool that looks at sizes only would keep it for ever.
      if (isFresh) unlinkSync(file);
      this.add(path, expected, isFresh ? 'damaged' : 'replaced');
      return;
    }
    this.totalBytes += stat.size;
    if (!isFresh) return;
    this.cameFiles += 1;
    this.cameBytes += stat.size;
  }

  /** What there is, and what came in this run if no tool has told it. */
  transfer(toldByTool: boolean): Transfer {
    const all = { files: this.files, total_bytes: this.totalBytes };
    if (toldByTool) return figures(all);
    const bytes = this.cameBytes;
    return figures({
      ...all,
      transferred_files: this.cameFiles,
      transferred_bytes: bytes,
      received_bytes: bytes,
    });
  }

  private add(path: string, expected: Expected, problem: WrongFile['problem']): void {
    this.wrongCount += 1;
    if (this.wrong.length < MOST_REMEMBERED) this.wrong.push({ path, expected, problem });
  }
}

/** Whether a file has the digest that an index gives it; true if the index gives none. */
export function hasDigest(path: string, { algorithm, digest }: Expected): boolean {
  return algorithm === null || digestOf(path, algorithm) === digest;
}
