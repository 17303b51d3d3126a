import { existsSync, lstatSync } from 'node:fs';
import { isRoot, isRootAccount } from '../boundary/as-user.js';
import { isHandedOver } from '../boundary/root-service.js';
import { layout as layoutOf, siteLayout } from '../job/layout.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { markDirty, publish } from '../state/publish.js';
import { repair } from '../state/repair.js';
import type { Repairs } from '../state/repair.js';
import { readSiteFile } from '../state/site.js';
import { clearHold, idsIn, readHold, warnOnStderr } from '../state/store.js';
import { dueAgain } from './again.js';
import { print, writeStderr } from './console.js';
import { readJob } from './job-file.js';
import { tellPeople } from './notices.js';
import { startRun } from './start-run.js';
import { hasStarter } from './starter.js';

/**
 * `mirror publish`: as the site's user, repairs what dead processes left, publishes every output, and, if it may, starts
 * packages with a request that no run serves, and those whose slot passed during a hold or whose run was cut off. Returns
 * the exit code.
 */
export async function publishCommand(root: string, json: boolean): Promise<number> {
  const { siteFile } = layoutOf(root);
  const site = readSiteFile({ siteFile });
  if (site === null) {
    writeStderr(`mirror: nothing is applied here (no ${siteFile}): run \`mirror apply\``);
    return EXIT.noInput;
  }
  if (root === '' && isRoot() && !isRootAccount(site.run_as)) {
    const { handOverCommand, PUBLISH_LIMIT_MS } = await import('./special/index.js');
    const words = ['publish', ...(json ? ['--json'] : [])];
    return handOverCommand(site.run_as, words, {}, PUBLISH_LIMIT_MS);
  }
  const layout = siteLayout(root, site.packages);
  if (root !== '' && isRoot() && (lstatSync(layout.state, { throwIfNoEntry: false })?.uid ?? 0) !== 0) {
    const refused = (await import('./special/index.js')).refuseForeignState(layout);
    if (refused !== null) return refused;
  }
  process.umask(0o022);
  const repairs = await repairAll(layout);
  const again = dueAgain(layout, repairs, Date.now());
  const restarted = await startLeftOver(layout, again);
  const told = tellPeople(layout, site);
  for (const id of repairs.released) if (readHold(layout, id, Date.now()) === null) clearHold(layout, id);
  markDirty(layout);
  const problems = [...repairs.unrepaired];
  publish(layout, Date.now(), (message) => {
    problems.push(message);
    warnOnStderr(message);
  });
  const printed = await report(repairs, restarted, json);
  await told;
  // A run never fails for it, but whoever only publishes must not look as if it had.
  return problems.length === 0 ? printed : EXIT.cantCreate;
}

/** Repairs once more what only the end of a run that hangs made a thing to repair. */
async function repairAll(layout: Layout): Promise<Repairs> {
  const first = repair(layout, Date.now());
  if (first.overdue.length === 0) return first;
  const { endOverdueRun } = await import('./special/index.js');
  for (const id of first.overdue) {
    const problem = await endOverdueRun(layout, id);
    if (problem !== null)
      writeStderr(`mirror: ${id}: hangs beyond its time limit and could not be ended: ${problem}`);
  }
  const second = repair(layout, Date.now());
  return { ...second, lost: [...first.lost, ...second.lost] };
}

/** Serves requests that nobody serves (their start failed, or the machine went down); names what it started `again`. */
async function startLeftOver(layout: Layout, again: readonly Job[]): Promise<string[]> {
  const hasRoot = isRoot() || isHandedOver();
  const mayStartUnits =
    layout.root === '' && existsSync('/run/systemd/system') && (hasRoot || hasStarter(layout));
  const ids = new Set(again.map(({ id }) => id));
  for (const id of idsIn(layout, 'request').filter((id) => !ids.has(id))) {
    try {
      const job = readJob(layout, id);
      if (job.scheduler !== 'systemd' || mayStartUnits) await startRun(layout, job);
    } catch {
      // A request for a package that is gone.
    }
  }
  const started: string[] = [];
  for (const job of again) {
    if (job.scheduler === 'systemd' && !mayStartUnits) continue;
    const problem = await startRun(layout, job);
    if (problem === null) started.push(job.id);
    else writeStderr(`mirror: ${job.id}: is due and could not be started: ${problem}`);
  }
  return started;
}

async function report(
  { lost, released, requested }: Repairs,
  restarted: readonly string[],
  json: boolean,
): Promise<number> {
  if (json) {
    const object = { format: 'mirror/publish/1', lost, released, requested, restarted };
    return print(JSON.stringify(object, null, 2));
  }
  for (const id of lost) writeStderr(`mirror: ${id}: its run left no word of its end`);
  for (const id of restarted) writeStderr(`mirror: ${id}: its slot or push had come to nothing; started`);
  for (const id of released) writeStderr(`mirror: ${id}: its hold is over`);
  return EXIT.ok;
}
