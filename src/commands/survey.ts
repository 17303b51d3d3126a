import { styleText } from 'node:util';
import { observe } from '../apply/observe.js';
import { UnusableManifest } from '../apply/read-manifest.js';
import { EXIT } from '../job/outcome.js';
import { assemble, type Intent } from '../plan/assemble.js';
import type { Plan } from '../plan/plan.js';
import type { View } from '../plan/render.js';
import type { Reader } from '../system/system.js';
import { ExitError } from './exit.js';
import type { LoadedSite } from './load-site.js';

/** A loaded site as plan and apply take it. */
export function intentOf({ site, layout, compilation, executable }: LoadedSite): Intent {
  return { site, layout, artifacts: compilation.artifacts, jobs: compilation.jobs, executable };
}

/** The plan for this machine as it is, with no special permission; `at` (epoch ms) counts the next runs. */
export function surveyed(intent: Intent, system: Reader, at: number): Plan {
  return withManifest(() => {
    const seen = observe(intent, system);
    const plan = assemble(intent, seen, { allowRemovals: null, refetch: false, drift: 'stop' }, at);
    // Anybody may ask what an apply would do; that only root may do it is no property of the machine.
    return { ...plan, refusals: plan.refusals.filter(({ code }) => code !== 'not-root') };
  });
}

/** Runs `action`; a manifest that cannot be understood is for a person, not a bug. */
export function withManifest<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UnusableManifest) throw new ExitError(EXIT.config, `mirror: ${error.message}`);
    throw error;
  }
}

/** Colour where stdout is a terminal that wants it; times in the site's zone. */
export function viewOf(zone: string): View {
  return { paint: (style, text) => styleText(style, text, { stream: process.stdout }), zone };
}
