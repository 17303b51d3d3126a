import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lstatIfThere } from '../../system/if-there.js';
import type { FindReplacedStep } from '../../job/step.js';
import type { Turn } from '../steps.js';
import { parentsOf } from './names.js';

/** Writes the rules about directories of the held index that dst has as links or files. */
export function findReplaced(turn: Turn, step: FindReplacedStep): void {
  const paths = replacedBelow(step.held, turn.session.job.dst, '');
  const inTree = (path: string): string => `/${literal(path)}/***`;
  writeRules(
    step.skip,
    paths.map((path) => `- ${inTree(path)}`),
  );
  rmSync(step.whole, { force: true });
  if (paths.length === 0) return;
  turn.log.note('INFO', `upstream has directories in the place of ${paths.join(', ')}`);
  const parents = new Set(paths.flatMap(parentsOf));
  writeRules(step.whole, [
    ...[...parents].map((path) => `+ /${literal(path)}/`),
    ...paths.map((path) => `+ ${inTree(path)}`),
  ]);
}

/** The topmost directories of `held` whose place in dst is taken by something else. */
function replacedBelow(held: string, dst: string, path: string): string[] {
  return readdirSync(join(held, path), { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const below = path === '' ? entry.name : `${path}/${entry.name}`;
    const there = lstatIfThere(join(dst, below));
    // Where dst has nothing, it has nothing below either.
    if (there === null) return [];
    return there.isDirectory() ? replacedBelow(held, dst, below) : [below];
  });
}

/** A path as a pattern of rsync(1). A rule is one line, so a line end in a name is written as any character. */
function literal(path: string): string {
  if (!/[*?[\n\r]/.test(path)) return path;
  return path.replace(/[*?[\\]/g, '\\$&').replace(/[\n\r]/g, '?');
}

function writeRules(path: string, rules: readonly string[]): void {
  writeFileSync(path, rules.map((rule) => `${rule}\n`).join(''), { mode: 0o600 });
}
