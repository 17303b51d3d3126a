import { crontab } from './crontab/index.js';
import { daemon } from './daemon/index.js';
import type { Scheduler } from './scheduler.js';
import { systemd } from './systemd/index.js';

/** Every scheduler, by `settings.scheduler`. Adding one: src/README.md. */
export const schedulers: Readonly<Record<Scheduler['name'], Scheduler>> = { crontab, daemon, systemd };
