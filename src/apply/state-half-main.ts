import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EXIT } from '../job/outcome.js';
import { layout } from '../job/layout.js';
import { realSystem } from '../system/real.js';
import { carryOutOrder, type StateOrder } from './state-half.js';

/**
 * `mirror state-half`: the process that apply starts with the mirror user's rights for what lies in the state directory.
 * Reads one order on stdin and prints the answer as JSON; what fails is said on stderr, with exit code 74.
 */
try {
  const { values } = parseArgs({ args: process.argv.slice(3), options: { root: { type: 'string' } } });
  const order = JSON.parse(readFileSync(0, 'utf8')) as StateOrder;
  process.stdout.write(JSON.stringify(carryOutOrder(order, layout(values.root), realSystem())));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = EXIT.io;
}
