import { existsSync } from 'node:fs';
import { layout as layoutOf } from '../job/layout.js';
import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { markDirty, publish } from '../state/publish.js';
import { repair } from '../state/repair.js';
import type { Repairs } from '../state/repair.js';
import { readSiteFile } from '../state/site.js';
import { idsIn, warnOnStderr } from '../state/store.js';
import { writeStderr } from './console.js';
import { readJob } from './job-file.js';
import { tellPeople } from './notices.js';
import { becomeUser } from './privileges.js';
import { startRequested } from './request.js';
import { hasStarter } from './starter.js';

/**
 * `mirror publish`: repairs what dead processes left, publishes every output, and, where it may, starts packages whose
 * request nobody serves. Returns the exit code.
 */
export async function publishCommand(root: string, json: boolean): Promise<number> {
  const layout = layoutOf(root);
  const site = readSiteFile(layout);
  if (site === null) {
    writeStderr(`mirror: nothing is applied here (no ${layout.siteFile}): run \`mirror apply\``);
    return EXIT.noInput;
  }
  // Before privileges are dropped: root starts units himself. Nothing but file names is looked at.
  await startLeftOver(layout);
  const told = tellPeople(layout, site);
  if (root === '' && process.getuid?.() === 0) becomeUser(site.run_as.user, site.run_as.group);
  process.umask(0o022);
  const repairs = repair(layout, Date.now());
  markDirty(layout);
  const problems: string[] = [];
  publish(layout, Date.now(), (message) => {
    problems.push(message);
    warnOnStderr(message);
  });
  report(repairs, json);
  await told;
  // A run never fails for it, but whoever only publishes must not look as if it had.
  return problems.length === 0 ? EXIT.ok : EXIT.cantCreate;
}

/** Requests that nobody serves: their start failed, or the machine went down. */
async function startLeftOver(layout: Layout): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  const mayStartUnits =
    layout.root === '' && existsSync('/run/systemd/system') && (isRoot || hasStarter(layout));
  for (const id of idsIn(layout, 'request')) {
    try {
      const job = readJob(layout, id);
      if (job.scheduler !== 'systemd' || mayStartUnits) await startRequested(layout, job);
    } catch {
      // A request for a package that is gone.
    }
  }
}

function report({ lost, released, requested }: Repairs, json: boolean): void {
  if (json) {
    const object = { format: 'mirror/publish/1', lost, released, requested };
    process.stdout.write(`${JSON.stringify(object, null, 2)}\n`);
    return;
  }
  for (const id of lost) writeStderr(`mirror: ${id}: its run died without a word; now interrupted`);
  for (const id of released) writeStderr(`mirror: ${id}: its hold ran out`);
}
