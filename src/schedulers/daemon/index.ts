import { unenforced } from '../findings.js';
import { niceness } from '../niceness.js';
import type { Scheduler } from '../scheduler.js';

/**
 * For machines with neither systemd nor cron: `mirror daemon` reads the jobs themselves, so there is nothing to write.
 * A scheduler of its own and not crontab's, because a cron file that nobody reads is a lie that comes true when somebody
 * installs cron, and because cron is no tool that such a machine must have.
 */
export const daemon: Scheduler = {
  name: 'daemon',
  unit: () => null,
  prefix: niceness,
  findings: (site) => unenforced('daemon', site),
  artifacts: () => [],
};
