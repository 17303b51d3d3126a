import type { CommandModule } from 'yargs';
import { command as adopt } from './adopt.js';
import { command as apply } from './apply.js';
import { command as compile } from './compile.js';
import { command as control } from './control.js';
import { command as crontab } from './crontab.js';
import { command as daemon } from './daemon.js';
import { command as diff } from './diff.js';
import { command as explain } from './explain.js';
import { command as history } from './history.js';
import { command as hold } from './hold.js';
import { command as logs } from './logs.js';
import { command as notify } from './notify.js';
import { command as plan } from './plan.js';
import { command as publish } from './publish.js';
import { command as push } from './push.js';
import { command as restore } from './restore.js';
import { command as run } from './run.js';
import { command as setup } from './setup.js';
import { command as start } from './start.js';
import { command as status } from './status.js';
import { command as stop } from './stop.js';
import { command as unhold } from './unhold.js';
import { command as validate } from './validate.js';

/** Every command, in the order that `--help` shows: the way of a config, then the way of a run. */
export const commands = [
  setup,
  validate,
  plan,
  diff,
  apply,
  compile,
  crontab,
  explain,
  run,
  start,
  push,
  stop,
  hold,
  unhold,
  adopt,
  restore,
  publish,
  status,
  history,
  logs,
  daemon,
  control,
  notify,
] as unknown as readonly CommandModule[];
