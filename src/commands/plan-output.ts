import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import type { Plan } from '../plan/plan.js';
import { renderPackages, renderPatches, renderRefusals, renderWarnings, summary } from '../plan/render.js';
import { readOnly } from '../system/readonly.js';
import { realSystem } from '../system/real.js';
import { ExitError } from './exit.js';
import { loadSite } from './load-site.js';
import { parseMoment } from './moment.js';
import type { GlobalOptions } from './options.js';
import { intentOf, surveyed, viewOf } from './survey.js';

interface Choice extends GlobalOptions {
  readonly summary: boolean;
  readonly 'detailed-exitcode': boolean;
  readonly at: string | undefined;
}

/** `mirror plan`; `now` in epoch ms. Starts no process, and loads what makes diffs only if there are any. */
export async function showPlan(choice: Choice, now: number): Promise<void> {
  if (!choice['detailed-exitcode']) {
    await printPlan(choice, now);
    return;
  }
  let plan: Plan;
  try {
    plan = await printPlan(choice, now);
  } catch (error) {
    // 2 means changes here, so every error is 1.
    if (error instanceof ExitError) throw new ExitError(EXIT.failure, error.message);
    throw error;
  }
  // Whoever asks need not be root: he who applies will be.
  if (plan.refusals.some(({ code }) => code !== 'not-root')) throw new ExitError(EXIT.failure);
  if (!plan.nothing) throw new ExitError(2);
}

async function printPlan(choice: Choice, now: number): Promise<Plan> {
  const loaded = loadSite(choice);
  const zone = loaded.site.settings.localtimezone;
  const at = choice.at === undefined ? now : parseMoment(choice.at, now, zone);
  if (at === null)
    throw new ExitError(EXIT.usage, `mirror: --at takes a time or a duration, not ${choice.at ?? ''}`);
  const plan = surveyed(intentOf(loaded), readOnly(realSystem()), at);
  const count = { packages: loaded.compilation.jobs.size, files: loaded.compilation.artifacts.length };
  process.stdout.write(await text(plan, choice, zone, count));
  return plan;
}

async function text(
  plan: Plan,
  choice: Choice,
  zone: string,
  count: { readonly packages: number; readonly files: number },
): Promise<string> {
  if (plan.nothing && !choice.json) {
    const is = `${String(count.packages)} packages and their ${String(count.files)} files are as the config has them`;
    return `${renderWarnings(plan, viewOf(zone))}Nothing to do: ${is}.\n`;
  }
  const { filePatches, planDocument } = await import('../plan/documents.js');
  const patches = choice.summary ? [] : filePatches(plan.changes);
  if (choice.json) return `${jsonText(planDocument(plan, patches), 2)}\n`;
  const view = viewOf(zone);
  const sections = [
    renderPackages(plan, view),
    renderPatches(
      patches.map(({ patch }) => patch),
      view,
    ),
    renderWarnings(plan, view) + renderRefusals(plan.refusals, view),
    `${summary(plan)}\n${plan.refusals.length > 0 ? 'apply would refuse this.\n' : ''}`,
  ];
  return sections.filter((section) => section !== '').join('\n');
}
