import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { gitReader } from '../config/git-reader.js';
import { ConfigFileError, diskReader } from '../config/index.js';
import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import { filePatches, markdown } from '../plan/documents.js';
import type { Plan } from '../plan/plan.js';
import { renderPatches } from '../plan/render.js';
import { between } from '../plan/revisions.js';
import { readOnly } from '../system/readonly.js';
import { realSystem } from '../system/real.js';
import { ExitError } from './exit.js';
import { configPath, loadSite, type LoadedSite } from './load-site.js';
import type { GlobalOptions } from './options.js';
import { intentOf, surveyed, viewOf } from './survey.js';

interface Choice extends GlobalOptions {
  readonly git?: string | undefined;
  readonly markdown: boolean;
}

/** `mirror diff`: exits 1 when anything differs; `now` in epoch ms. */
export function showDiff(choice: Choice, now: number): void {
  const { plan, zone } =
    choice.git === undefined ? againstMachine(choice, now) : againstRevision(choice, choice.git, now);
  const patches = filePatches(plan.changes);
  if (choice.json) process.stdout.write(`${jsonText({ format: 'mirror/diff/1', files: patches }, 2)}\n`);
  else if (choice.markdown) process.stdout.write(markdown(plan, patches, zone));
  else {
    const texts = patches.map(({ patch }) => patch);
    // A pipe gets the patches byte for byte; a terminal must not be driven by what a file holds.
    process.stdout.write(process.stdout.isTTY ? renderPatches(texts, viewOf(zone)) : texts.join(''));
  }
  if (plan.changes.length > 0) throw new ExitError(EXIT.failure);
}

function againstMachine(choice: Choice, now: number): { plan: Plan; zone: string } {
  const loaded = loadSite(choice);
  return {
    plan: surveyed(intentOf(loaded), readOnly(realSystem()), now),
    zone: loaded.site.settings.localtimezone,
  };
}

function againstRevision(choice: Choice, range: string, now: number): { plan: Plan; zone: string } {
  const [from = '', to, ...rest] = range.split('..');
  if (from === '' || to === '' || rest.length > 0)
    throw new ExitError(EXIT.usage, `mirror: --git takes REV or REV..REV, not ${range}`);
  const before = loadRevision(choice, from);
  const after = to === undefined ? loadSite(choice, diskReader()) : loadRevision(choice, to);
  return {
    plan: between(intentOf(before), intentOf(after), now),
    zone: after.site.settings.localtimezone,
  };
}

function loadRevision(choice: Choice, revision: string): LoadedSite {
  const directory = dirname(configPath(choice));
  if (!existsSync(directory)) {
    const help = choice.config === undefined ? ': name the config in the checkout with -c' : '';
    throw new ExitError(EXIT.noInput, `mirror: ${directory} does not exist${help}`);
  }
  try {
    return loadSite(choice, gitReader(directory, revision));
  } catch (error) {
    if (error instanceof ConfigFileError) throw new ExitError(error.code, `mirror: ${error.message}`);
    throw error;
  }
}
