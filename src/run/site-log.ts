import { closeSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { openRegularFile } from '../boundary/regular-file.js';
import type { Job } from '../job/job.js';
import { formatLine, reaches } from './console.js';
import type { Say } from './console.js';
import { timeFields } from './local-time.js';
import { filled, shared } from './log-file.js';

/**
 * The site's own log, `logger.fileformat`: what the runs of all packages say, each line with the package's id. It begins a
 * new file each midnight of the site's zone, which is the moment that the fields of its name stand for: mirror.py named
 * the file by the time at which its daemon started, and nothing of ours runs for longer than a sync. Every line opens the
 * file anew, so that logrotate may move it under a sync of days. Without such a log it says nothing.
 */
export function siteLog(job: Job): Say {
  const { site } = job.log;
  if (site === undefined) return () => undefined;
  return (level, message) => {
    if (!reaches(level, site.level)) return;
    const now = Date.now();
    const midnight = { hour: '00', minute: '00', second: '00', microsecond: '000000' };
    const path = filled(site, { ...timeFields(now, job.timezone), ...midnight, packageid: job.id });
    const line = `${formatLine(job, site.format, level, `${job.id}: ${message}`, now)}\n`;
    try {
      append(path, site.base, line);
    } catch {
      // The state and the run's own log say it, too; a full disk or a closed directory does not end a sync.
    }
  };
}

/** One write of a whole line, unless the system takes only a part: lines of runs that write at once do not mix. A pipe in its place keeps nobody waiting. */
function append(path: string, base: string, line: string): void {
  const { O_WRONLY, O_APPEND, O_CREAT } = constants;
  const fd = shared(base, () => {
    mkdirSync(dirname(path), { recursive: true });
    return openRegularFile(path, O_WRONLY | O_APPEND | O_CREAT, { mode: 0o664 });
  });
  try {
    writeFileSync(fd, line);
  } finally {
    closeSync(fd);
  }
}
