import { styleText } from 'node:util';
import { journalPath } from '../apply/journal.js';
import { observe } from '../apply/observe.js';
import { UnusableManifest } from '../apply/read-manifest.js';
import { EXIT } from '../job/outcome.js';
import { assemble, type Intent } from '../plan/assemble.js';
import { NO_PERMISSIONS } from '../plan/guards.js';
import type { Plan } from '../plan/plan.js';
import type { View } from '../plan/render.js';
import type { Reader } from '../system/system.js';
import { ExitError } from './exit.js';
import type { LoadedSite } from './load-site.js';

/** A loaded site as plan and apply take it. */
export function intentOf({ site, layout, compilation, executable }: LoadedSite): Intent {
  return { site, layout, artifacts: compilation.artifacts, jobs: compilation.jobs, executable };
}

/**
 * The plan for this machine as it is, with no special permission; `at` (epoch ms) counts the next runs. After an apply
 * that died there is something to do even where all files are as they should be: its timers may not have been started.
 */
export function surveyed(intent: Intent, system: Reader, at: number): Plan {
  return withManifest(() => {
    const seen = observe(intent, system);
    const plan = assemble(intent, seen, NO_PERMISSIONS, at);
    const isWhole = system.actual(journalPath(intent.layout)).kind === 'absent';
    const warnings = isWhole
      ? []
      : ['an apply is at work, or died half way: then the next one first undoes what it had done'];
    return {
      ...plan,
      // Anybody may ask what an apply would do; that only root may do it is no property of the machine.
      refusals: plan.refusals.filter(({ code }) => code !== 'not-root'),
      warnings: [...warnings, ...plan.warnings],
      nothing: plan.nothing && isWhole,
    };
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
