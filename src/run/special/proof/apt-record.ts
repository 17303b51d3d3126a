import { readSmallText, UnfitFile } from '../../../boundary/small-file.js';
import { writeFileAtomic } from '../../../system/atomic.js';

/** A line of a hundred bytes for each file of the index of the largest archives. */
const LIMIT_BYTES = 64 << 20;

/**
 * What the last proved run of an archive found right: digests of index files, and the bases of the indexes that were there
 * (`dists/DIST/main/binary-amd64/Packages`). Another rule is another question, and then nothing is known.
 */
export class ArchiveRecord {
  private readonly digests = new Set<string>();
  private readonly bases = new Set<string>();

  private constructor(
    private readonly path: string,
    private readonly rule: string,
  ) {}

  /** The record of the last proved run; an empty one if there is none that can be used. */
  static read(path: string, rule: string): ArchiveRecord {
    const record = new ArchiveRecord(path, rule);
    const [first, ...lines] = textOf(path)?.split('\n') ?? [];
    if (first !== rule) return record;
    for (const line of lines) {
      if (line.startsWith('/')) record.bases.add(line.slice(1));
      else record.digests.add(line);
    }
    return record;
  }

  /** An empty one that takes its place when it is written. */
  next(): ArchiveRecord {
    return new ArchiveRecord(this.path, this.rule);
  }

  hasDigest(digest: string): boolean {
    return this.digests.has(digest);
  }

  hasBase(base: string): boolean {
    return this.bases.has(base);
  }

  addDigest(digest: string): void {
    this.digests.add(digest);
  }

  addBase(base: string): void {
    this.bases.add(base);
  }

  write(): void {
    const lines = [this.rule, ...this.digests, ...[...this.bases].map((base) => `/${base}`)];
    writeFileAtomic(this.path, lines.join('\n'), 0o600);
  }
}

function textOf(path: string): string | null {
  try {
    return readSmallText(path, { limitBytes: LIMIT_BYTES });
  } catch (error) {
    if (error instanceof UnfitFile) return null;
    throw error;
  }
}
