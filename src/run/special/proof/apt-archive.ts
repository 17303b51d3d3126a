import { closeSync } from 'node:fs';
import type { ProveAptArchiveStep } from '../../../job/proof-step.js';
import type { StepEnd, Turn } from '../../steps.js';
import { GO_ON } from '../../steps.js';
import { digestOfOpened } from '../digest.js';
import { READABLE, visitIndex } from './apt-index.js';
import type { IndexPlace } from './apt-overlay.js';
import { Overlay } from './apt-overlay.js';
import { PoolCheck } from './apt-pool.js';
import { ArchiveRecord } from './apt-record.js';
import { parseRelease, RELEASE_LIMIT_BYTES } from './apt-release.js';
import { clearText } from './clear-text.js';
import type { Expected, Release } from './apt-release.js';
import { staleness } from './apt-validity.js';
import type { NamedRelease } from './apt-validity.js';
import { indexFiles } from './apt-wanted.js';
import type { IndexFile } from './apt-wanted.js';
import { Wrong } from './apt-wrong.js';

/** Index files that clients fetch without being asked to; every one that was there has to stay. */
const FETCHED_BY_DEFAULT =
  /(^|\/)(binary-[^/]+\/Packages|source\/Sources|i18n\/Translation-[^/]+|dep11\/Components-[^/]+\.yml|cnf\/Commands-[^/]+)$/;

/** Proves all distributions of an archive that rsync or ftpsync has brought as it is. */
export async function proveAptArchive(turn: Turn, step: ProveAptArchiveStep): Promise<StepEnd> {
  const proof = new ArchiveProof(turn, step);
  try {
    return await proof.run();
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    turn.log.note('ERROR', error.message);
    return { outcome: { kind: 'failed', failure: error.failure, reason: error.message }, done: true };
  }
}

class ArchiveProof {
  private readonly overlay: Overlay;
  private readonly before: ArchiveRecord;
  private readonly now: ArchiveRecord;
  private readonly pool: PoolCheck;
  private readonly leftOut: readonly RegExp[] | null;
  private readIndexes = 0;
  private unread = 0;

  constructor(
    private readonly turn: Turn,
    private readonly step: ProveAptArchiveStep,
  ) {
    const { dst } = turn.session.job;
    this.overlay = new Overlay(step.held, dst);
    this.before = ArchiveRecord.read(step.record, JSON.stringify([1, dst, step.filters]));
    this.now = this.before.next();
    this.leftOut = step.left_out?.map((pattern) => new RegExp(pattern)) ?? null;
    // rsync has compared the content of what it brought.
    this.pool = new PoolCheck({ dst, beganMs: Infinity, wanted: null, before: null });
  }

  async run(): Promise<StepEnd> {
    const { log } = this.turn;
    const releases: NamedRelease[] = [];
    for (const name of this.overlay.distributions()) {
      const release = this.release(name);
      if (release === null) continue;
      await this.proveDistribution(name, release);
      releases.push({ name, release });
    }
    this.endPool();
    this.now.write();
    const read = `${String(this.readIndexes)} indexes read, ${String(this.unread)} had not changed`;
    log.note('INFO', `proved ${String(releases.length)} distributions: ${read}`);
    return { ...GO_ON, facts: staleness(this.turn, releases) };
  }

  /** Null: there is no Release file whose digests count. An archive of old releases has such, and is what upstream has. */
  private release(name: string): Release | null {
    const text =
      this.overlay.text(`dists/${name}/InRelease`, RELEASE_LIMIT_BYTES) ??
      this.overlay.text(`dists/${name}/Release`, RELEASE_LIMIT_BYTES);
    const release = text === null ? null : parseRelease(clearText(text));
    if (release === null) {
      const message = `dists/${name}: its Release file has no SHA-256 or SHA-512 digests: not proved, and apt refuses it`;
      this.turn.log.note('WARNING', message);
    }
    return release;
  }

  private async proveDistribution(name: string, release: Release): Promise<void> {
    let hasPackages: boolean | null = null;
    for (const index of indexFiles(release).values()) {
      const base = `dists/${name}/${index.base}`;
      const there = this.rightFiles(name, index, release);
      if (index.kind === 'packages') hasPackages = there.length > 0 || hasPackages === true;
      if (there.length === 0) {
        // Of other architectures, Ubuntu's Release names indexes that only another server has.
        if (FETCHED_BY_DEFAULT.test(base) && this.before.hasBase(base) && this.isMeant(base))
          throw new Wrong('transfer', `${base} is not there any more, and the Release file still names it`);
        continue;
      }
      this.now.addBase(base);
      if (index.kind === 'packages') await this.provePackages(index, there);
      for (const { expected } of there) this.now.addDigest(expected.digest);
    }
    if (hasPackages === false && this.leftOut !== null && this.isMeant(`dists/${name}/`))
      throw new Wrong('transfer', `dists/${name} has none of the indexes that its Release file names`);
  }

  /** The compressions of an index that are what the Release file says; one that is new and is not ends the run. */
  private rightFiles(name: string, index: IndexFile, release: Release): RightFile[] {
    return index.names.flatMap((file) => {
      const expected = release.files.get(file);
      const place = this.overlay.find(`dists/${name}/${file}`);
      if (expected === undefined || place === null) return [];
      const isKnown = this.before.hasDigest(expected.digest) && !place.isHeld;
      const isRight = place.sizeBytes === expected.size && (isKnown || this.isAs(place, expected));
      if (isRight) return [{ name: file, place, expected }];
      // An old file of dst that is not held is going to be deleted: upstream has no newer one.
      if (!place.isHeld && this.step.held !== null) return [];
      throw new Wrong('transfer', `dists/${name}/${file} is not what the Release file says`);
    });
  }

  private isAs(place: IndexPlace, { algorithm, digest }: Expected): boolean {
    const fd = this.overlay.open(place);
    try {
      return algorithm === null || digestOfOpened(fd, algorithm) === digest;
    } finally {
      closeSync(fd);
    }
  }

  /** Reads an index unless the last proved run had it: then its files were there, and upstream has not changed them. */
  private async provePackages(index: IndexFile, there: readonly RightFile[]): Promise<void> {
    if (there.some(({ expected }) => this.before.hasDigest(expected.digest))) {
      this.unread += 1;
      return;
    }
    const names = READABLE.map((suffix) => index.base + suffix);
    const file = names.flatMap((name) => there.filter((found) => found.name === name))[0];
    if (file === undefined) return;
    this.readIndexes += 1;
    await visitIndex(this.overlay.open(file.place), file.name, (path, expected, plain) => {
      if (this.isMeant(path)) this.pool.check(path, expected, plain, false);
    });
  }

  private isMeant(path: string): boolean {
    return this.leftOut?.some((pattern) => pattern.test(path)) !== true;
  }

  private endPool(): void {
    const { wrong, wrongCount } = this.pool;
    if (wrongCount === 0) return;
    const first = wrong[0];
    const message = `${String(wrongCount)} files that the index names are not there, or have another size, such as ${first?.path ?? ''}`;
    if (this.leftOut !== null) throw new Wrong('transfer', message);
    this.turn.log.note('WARNING', `${message}: the package's own filters may leave them out`);
  }
}

/** A file of the index that is right. */
interface RightFile {
  readonly name: string;
  readonly place: IndexPlace;
  readonly expected: Expected;
}
