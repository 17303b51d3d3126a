import type * as Control from './control/main.js';
import { requirePrecompiled } from './precompiled.js';
import type * as Executor from './run/main.js';

/**
 * The `mirror` program: `run` and `publish` go to the executor's bundle before anything else loads, because timers start
 * them thousands of times a day; `control` to its own, because every connection starts one; everything else is the
 * command line.
 */
const command = process.argv[2];
if ((command === 'run' || command === 'publish') && !process.argv.includes('--help')) {
  const executor = requirePrecompiled(`${__dirname}/run.cjs`, require) as typeof Executor;
  void executor.main(process.argv.slice(2));
} else if (command === 'control' && !process.argv.includes('--help')) {
  const control = requirePrecompiled(`${__dirname}/control.cjs`, require) as typeof Control;
  void control.main(process.argv.slice(3));
} else {
  // Not there until the build puts it beside this file, so its name is no literal here.
  const commandLine: string = './cli.mjs';
  void import(commandLine);
}
