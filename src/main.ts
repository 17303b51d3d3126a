import { closeInheritedDescriptors } from './boundary/descriptors.js';
import type * as Control from './control/main.js';
import { requirePrecompiled } from './precompiled.js';
import type * as Publisher from './run/publish-main.js';
import type * as Executor from './run/main.js';

/** What has a bundle of its own. */
type Program = typeof Executor | typeof Publisher | typeof Control;

/**
 * The `mirror` program: `run` and `publish` go to bundles of their own before anything else loads, because timers start
 * them thousands of times a day, and so does `control`, because every connection starts one; everything else is the
 * command line.
 */
closeInheritedDescriptors(process.env.MIRROR_HANDOVER?.split(' ')[0]);
const command = process.argv[2];
if (
  (command === 'run' || command === 'publish' || command === 'control') &&
  !process.argv.includes('--help')
) {
  const program = requirePrecompiled(`${__dirname}/${command}.cjs`, require) as Program;
  void program.main(process.argv.slice(3));
} else {
  // Not there until the build puts it beside this file, so its name is no literal here.
  const commandLine: string = command === 'state-half' ? './state-half.mjs' : './cli.mjs';
  void import(commandLine);
}
