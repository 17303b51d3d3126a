import { apply, type Request, type Result } from '../apply/apply.js';
import { UnusableManifest } from '../apply/read-manifest.js';
import { EXIT } from '../job/outcome.js';
import { jsonText, escapeUnsafe } from '../job/plain-text.js';
import { filePatches, planDocument } from '../plan/documents.js';
import type { Plan } from '../plan/plan.js';
import {
  renderPackages,
  renderPatches,
  renderRefusals,
  renderWarnings,
  summary,
  type View,
} from '../plan/render.js';
import { whoAsks } from '../run/who.js';
import { realSystem } from '../system/real.js';
import { ExitError } from './exit.js';
import { loadSite, runningEntry, type LoadedSite } from './load-site.js';
import type { GlobalOptions } from './options.js';
import { intentOf, viewOf } from './survey.js';

export interface ApplyChoice extends GlobalOptions {
  readonly 'allow-removals': number | undefined;
  readonly refetch: boolean;
  readonly 'take-over': boolean;
  readonly adopt: boolean;
  readonly force: boolean;
  readonly hold: boolean;
  readonly 'stop-removed': boolean;
}

/** `mirror apply`: says what it did, and exits with the first refusal's code where it did nothing. */
export async function applyConfig(choice: ApplyChoice): Promise<void> {
  const loaded = loadSite(choice);
  const view = viewOf(loaded.site.settings.localtimezone);
  const result = await run(choice, loaded);
  if (choice.json) process.stdout.write(`${jsonText(document(result), 2)}\n`);
  else print(result, view);
  const code = exitCode(result);
  if (code !== EXIT.ok) throw new ExitError(code);
}

async function run(choice: ApplyChoice, loaded: LoadedSite): Promise<Result> {
  const system = realSystem();
  try {
    return await apply(intentOf(loaded), request(choice, loaded.result.files, system.now()), system);
  } catch (error) {
    if (error instanceof UnusableManifest) throw new ExitError(EXIT.config, `mirror: ${error.message}`);
    throw error;
  }
}

function request(choice: ApplyChoice, files: readonly string[], now: number): Request {
  const by = whoAsks(process.env);
  const { 'allow-removals': allowRemovals = null, 'stop-removed': stopRemoved, refetch } = choice;
  if (allowRemovals !== null && (!Number.isInteger(allowRemovals) || allowRemovals < 0))
    throw new ExitError(EXIT.usage, 'mirror: --allow-removals takes a whole number');
  if (choice.adopt && choice.force)
    throw new ExitError(EXIT.usage, 'mirror: --adopt keeps an edit and --force drops it: take one');
  return {
    permissions: {
      allowRemovals,
      refetch,
      takeOver: choice['take-over'],
      drift: choice.adopt ? 'adopt' : choice.force ? 'overwrite' : 'stop',
    },
    hold: choice.hold ? { since: now, until: null, by, reason: 'installed by apply --hold' } : null,
    stopRemoved,
    by,
    files,
    program: [process.execPath, runningEntry()],
  };
}

function exitCode(result: Result): number {
  switch (result.kind) {
    case 'nothing':
    case 'applied':
      return EXIT.ok;
    case 'refused':
      return result.refusals[0]?.exit ?? EXIT.failure;
    case 'failed':
      return EXIT.io;
    case 'busy':
      return EXIT.busy;
  }
}

function print(result: Result, view: View): void {
  switch (result.kind) {
    case 'nothing':
      say(result.messages);
      process.stdout.write('Nothing to do.\n');
      return;
    case 'applied':
      process.stdout.write(renderPackages(result.plan, view));
      process.stderr.write(renderWarnings(result.plan, view));
      say(result.messages);
      process.stdout.write(`${summary(result.plan, true)}\n`);
      return;
    case 'refused':
      process.stdout.write(renderPatches(drifts(result.plan), view));
      process.stderr.write(`${renderRefusals(result.refusals, view)}Nothing was changed.\n`);
      return;
    case 'failed': {
      const back =
        result.problems.length === 0 ? 'everything was put back' : 'not everything could be put back:';
      process.stderr.write(`mirror: apply failed: ${escapeUnsafe(result.reason)}\nmirror: ${back}\n`);
      say(result.problems);
      if (result.problems.length > 0)
        say(['`mirror apply` tries again to put back the rest before anything else']);
      return;
    }
    case 'busy':
      say(['another apply is running']);
  }
}

function say(messages: readonly string[]): void {
  for (const message of messages) process.stderr.write(`mirror: ${escapeUnsafe(message)}\n`);
}

/** Only what somebody edited: the rest is what `plan` shows. */
function drifts(plan: Plan): string[] {
  return filePatches(plan.changes.filter(({ kind }) => kind === 'drifted')).map(({ patch }) => patch);
}

function document(result: Result): object {
  const head = { format: 'mirror/apply/1', result: result.kind };
  switch (result.kind) {
    case 'nothing':
      return { ...head, messages: result.messages };
    case 'applied':
      return {
        ...planDocument(result.plan, filePatches(result.plan.changes)),
        ...head,
        messages: result.messages,
      };
    case 'refused':
      return { ...planDocument(result.plan, []), ...head, refusals: result.refusals };
    case 'failed':
      return { ...head, reason: result.reason, not_put_back: result.problems };
    case 'busy':
      return head;
  }
}
