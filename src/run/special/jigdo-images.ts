import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { shellQuoted } from '../../job/shell.js';
import type { ExecStep, JigdoImagesStep } from '../../job/step.js';
import { toPlainText } from '../../job/plain-text.js';
import { executeStep, otherCommand } from '../exec.js';
import { BEHIND } from './gather-logs.js';
import { jigdoSets, JigdoTrouble } from './jigdo-sets.js';
import type { JigdoImage, JigdoSet } from './jigdo-sets.js';
import { GO_ON } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';
import { lstatIfThere } from '../../system/if-there.js';

/** What jigdo-mirror and wget say of an image that was not made, the best first. */
const WHY = [
  /(ERROR \d+: .*|failed: .*|unable to resolve .*)/,
  /Too many files .*/,
  /checksum mismatch/,
  / Error .*/,
];

/** Makes what is missing or outdated of the images of all sets; see the step. One set's failure does not stop the others. */
export async function makeImages(turn: Turn, step: JigdoImagesStep): Promise<StepEnd> {
  const { log, session } = turn;
  let sets: JigdoSet[];
  try {
    sets = jigdoSets(session.job.dst);
  } catch (error) {
    if (!(error instanceof JigdoTrouble)) throw error;
    return failure(error.message);
  }
  writeFileSync(step.protect, protection(session.job.dst, sets), { mode: 0o600 });
  rmSync(step.temporary, { recursive: true, force: true });
  mkdirSync(step.temporary, { mode: 0o700 });
  const missing: JigdoImage[] = [];
  let why = '';
  try {
    for (const set of sets) {
      if (session.interruption.signal !== null) return GO_ON;
      mkdirSync(set.imageDirectory, { recursive: true });
      const began = Date.now();
      const { outcome, from } = await executeStep(turn, command(step, set), 'pass');
      if (outcome.kind !== 'synced') return { outcome, done: true };
      const failed = set.images.filter((image) => !isMade(image, began));
      if (failed.length > 0) why ||= withoutTemplate(failed) ?? reason(log.since(from));
      missing.push(...failed);
    }
  } finally {
    rmSync(step.temporary, { recursive: true, force: true });
  }
  const all = sets.reduce((sum, set) => sum + set.images.length, 0);
  const first = missing[0];
  if (first === undefined) {
    log.note('INFO', `${String(all)} images of ${String(sets.length)} sets are made`);
    return GO_ON;
  }
  const path = first.path.slice(session.job.dst.length + 1);
  return failure(`${String(missing.length)} of ${String(all)} images were not made, first ${path}${why}`);
}

/** jigdo-mirror for one set. Its code is written for the C locale: it has bytes that are no text in another. */
function command(step: JigdoImagesStep, set: JigdoSet): ExecStep {
  const { argv, env, work, temporary } = step;
  const tmpDir = join(temporary, `${set.arch}.${set.name}`);
  const conf = join(work, `jigdo-mirror.${set.arch}.${set.name}.conf`);
  const settings = {
    jigdoDir: set.jigdoDirectory,
    templateDir: set.jigdoDirectory,
    imageDir: set.imageDirectory,
    tmpDir,
    jigdoFile: step.jigdo_file.replace(/\$(tmpDir\b|\{tmpDir\})/g, () => tmpDir),
    debianMirror: step.debian_mirror,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${shellQuoted(value)}\n`);
  writeFileSync(conf, lines.join(''), { mode: 0o600 });
  return { ...otherCommand(step, [...argv, conf]), env: { ...env, LC_ALL: 'C' } };
}

/**
 * jigdo-mirror puts an image into place only when its checksum is right. One that is older than its jigdo file counts when
 * it was made since `began`: upstream's clock may be ahead.
 */
function isMade({ path, described }: JigdoImage, began: number): boolean {
  const stat = lstatIfThere(path);
  return stat?.isFile() === true && stat.mtimeMs >= Math.min(described, began - BEHIND);
}

/**
 * rsync rules; the names have nothing that is a pattern. The images of the sets stay whatever upstream has. What follows them
 * takes away the protection that the later exclusion of all images would give those of old versions.
 */
function protection(dst: string, sets: readonly JigdoSet[]): string {
  const images = sets.flatMap((set) => set.images.map(({ path }) => path));
  return [...images.map((path) => `P ${path.slice(dst.length)}\n`), 'R *.iso\n'].join('');
}

/** jigdo-mirror leaves an image out without a word when upstream has no template for it. */
function withoutTemplate(images: readonly JigdoImage[]): string | null {
  const lacking = images.find(({ template }) => lstatIfThere(template) === null);
  return lacking === undefined ? null : `: upstream lacks ${basename(lacking.template)}`;
}

function reason(output: string): string {
  for (const pattern of WHY) {
    const said = pattern.exec(output)?.[0];
    if (said !== undefined) return `: ${toPlainText(said.trim()).slice(0, 200)}`;
  }
  return '';
}

function failure(text: string): StepEnd {
  return { outcome: { kind: 'failed', failure: 'transfer', reason: text }, done: true };
}
