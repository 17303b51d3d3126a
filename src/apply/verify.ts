import { basename, dirname } from 'node:path';
import { EXIT } from '../job/outcome.js';
import type { Refusal } from '../plan/plan.js';
import type { Reader } from '../system/system.js';
import type { Operation } from './operation.js';

/** Units in one call of systemd-analyze, which takes about 0.6 s for a thousand, and calls at a time. */
const BATCH = 500;
const AT_ONCE = 2;

const UNIT = /\.(service|timer|slice|socket|path|target|mount)$/;

/**
 * Lets systemd read the units that an apply is about to write, from a directory of their own. A message that names one
 * of them is a refusal, and so is a non-zero exit that nobody else's file explains: other people's broken units and
 * the admin's own drop-ins do not block us.
 */
export async function verifyUnits(operations: readonly Operation[], system: Reader): Promise<Refusal[]> {
  const files = new Map<string, string>();
  for (const operation of operations) {
    if (operation.kind !== 'write') continue;
    const [name, folder] = [basename(operation.path), basename(dirname(operation.path))];
    if (UNIT.test(name)) files.set(name, operation.content);
    else if (name.endsWith('.conf') && folder.endsWith('.d'))
      files.set(`${folder}/${name}`, operation.content);
  }
  const units = [...files.keys()].filter((name) => UNIT.test(name));
  if (units.length === 0) return [];
  const stage = system.stage(files);
  try {
    const batches = Array.from({ length: Math.ceil(units.length / BATCH) }, (_, i) =>
      units.slice(i * BATCH, (i + 1) * BATCH),
    );
    const problems: string[][] = [];
    const waiting = batches.entries();
    const caller = async (): Promise<void> => {
      for (const [i, batch] of waiting) problems[i] = await verify(stage.directory, batch, system);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, caller));
    return problems.flat().map(toRefusal);
  } finally {
    stage.remove();
  }
}

async function verify(stage: string, units: readonly string[], system: Reader): Promise<string[]> {
  const argv = ['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no'];
  const { code, stderr } = await system.query([...argv, ...units.map((unit) => `${stage}/${unit}`)]);
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const staged = new Set(units);
  const named = (line: string): string => /^(?:Unit )?([^\s:]+)/.exec(line)?.[1] ?? '';
  const ours = lines.filter((line) => line.includes(`${stage}/`) || staged.has(named(line)));
  const others = lines.some((line) => named(line).startsWith('/') || UNIT.test(named(line)));
  if (ours.length > 0 || code === 0 || others) return ours.map((line) => line.replaceAll(`${stage}/`, ''));
  return [lines.at(-1) ?? `systemd-analyze ended with ${String(code)}`];
}

function toRefusal(problem: string): Refusal {
  return {
    code: 'bad-unit',
    exit: EXIT.config,
    message: `systemd refuses a unit: ${problem}`,
    help: 'nothing was changed; where the config did not ask for this, please report it',
  };
}
