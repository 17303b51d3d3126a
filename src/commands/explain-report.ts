import { dirname, relative } from 'node:path';
import type { EffectiveValue } from '../config/index.js';
import { nearest } from '../diagnostics/suggest.js';
import type { Job } from '../job/job.js';
import { NEVER_UPSTREAM } from '../job/never-upstream.js';
import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import { flatSteps } from '../job/repository-step.js';
import { slots } from '../job/slots.js';
import type { Step } from '../job/step.js';
import { stamp } from '../job/zone.js';
import { scheduleText } from '../plan/schedule-text.js';
import { ExitError } from './exit.js';
import { networkLines } from './explain-network.js';
import { stepWords, type StepWords } from './explain-steps.js';
import { loadSite, type LoadedSite } from './load-site.js';
import { iso, parseMoment, span } from './moment.js';
import type { GlobalOptions } from './options.js';
import { plain, table } from './table.js';

interface Choice extends GlobalOptions {
  readonly id: string;
  readonly at?: string | undefined;
}

/** How many runs ahead are shown. */
const RUNS = 5;

/** Far enough for any schedule's next five slots that people make: 40 years. */
const HORIZON = 40 * 366 * 86_400_000;

/** `mirror explain ID`; `now` in epoch ms. Throws ExitError 66 for an unknown package, 64 for a bad `--at`. */
export function explain(choice: Choice, now: number): void {
  const loaded = loadSite(choice);
  const values = loaded.result.explain(choice.id);
  if (values === null) throw unknownPackage(choice.id, loaded);
  const zone = loaded.site.settings.localtimezone;
  const at = choice.at === undefined ? now : parseMoment(choice.at, now, zone);
  if (at === null) {
    throw new ExitError(EXIT.usage, `mirror: --at takes a time or a duration, not ${choice.at ?? ''}`);
  }
  process.stdout.write(
    choice.json ? document(choice.id, loaded, values, at) : human(choice.id, loaded, values, at),
  );
}

function unknownPackage(id: string, { site }: LoadedSite): ExitError {
  const guess = nearest(
    id,
    site.packages.map((pkg) => pkg.id),
  );
  const hint = guess === null ? '' : `; did you mean ${guess}?`;
  return new ExitError(EXIT.noInput, `mirror: no package ${plain(id)} in ${site.configPath}${hint}`);
}

function document(id: string, loaded: LoadedSite, values: readonly EffectiveValue[], at: number): string {
  const job = loaded.compilation.jobs.get(id) ?? null;
  const report = {
    format: 'mirror/explain/1',
    id,
    compiled: job !== null,
    schedule: job && { text: scheduleText(job.schedule), next: nextRuns(job, at).map(iso) },
    sources:
      job &&
      job.attempts.map(({ src, steps }) => ({
        src,
        steps: explainedSteps(steps).map((step) => stepWords(step, job)),
      })),
    reaches: job && reaches(id, loaded),
    never_touches: NEVER_UPSTREAM,
    values: Object.fromEntries(values.map(({ key, value, origin }) => [key, { value, origin }])),
  };
  return `${jsonText(report, 2)}\n`;
}

function human(id: string, loaded: LoadedSite, values: readonly EffectiveValue[], at: number): string {
  const job = loaded.compilation.jobs.get(id);
  const name = job ? `${plain(job.name)}, by ${job.method}` : notCompiled(loaded);
  const sections = [
    `${id}: ${name}\n`,
    ...(job
      ? [
          runsText(job, loaded, at),
          ...job.attempts.map((_, i) => attemptText(job, i)),
          `In ${plain(job.dst)} a run never touches ${NEVER_UPSTREAM.join(', ')}\n`,
          `Reaches\n${reaches(id, loaded)
            .map((line) => `  ${plain(line)}\n`)
            .join('')}`,
        ]
      : []),
    table(
      ['VALUE', '', 'FROM'],
      values.map(({ key, value, origin }) => [
        { text: key },
        { text: shown(value) },
        { text: originText(origin, loaded.site.configPath) },
      ]),
      null,
    ),
  ];
  return sections.join('\n');
}

function reaches(id: string, { site, nameServers }: LoadedSite): readonly string[] {
  const pkg = site.packages.find((candidate) => candidate.id === id);
  return pkg ? networkLines(pkg, site.settings, nameServers) : [];
}

function notCompiled({ site }: LoadedSite): string {
  return `not on this machine (${site.node}), which is not among its \`hosts\``;
}

function runsText(job: Job, { site }: LoadedSite, at: number): string {
  const zone = site.settings.localtimezone;
  const runs = nextRuns(job, at).map((run) => `  ${stamp(run, zone)} ${zone}, in ${span(run - at)}\n`);
  const pkg = site.packages.find((candidate) => candidate.id === job.id);
  const pushed = pkg?.push === true ? ', and when pushed' : '';
  const disabled = pkg?.disabled === true ? ' (disabled)' : '';
  const gap = job.min_gap > 0 ? `, at least ${span(job.min_gap * 1000)} after the run before` : '';
  return `Runs ${scheduleText(job.schedule)}${pushed}${disabled}${gap}\n${runs.join('')}`;
}

/** The first five slots: a run that is still going when one comes takes its place. */
function nextRuns(job: Job, at: number): number[] {
  return slots(job.schedule, at, at + HORIZON, RUNS);
}

function attemptText(job: Job, index: number): string {
  const attempt = job.attempts[index];
  if (!attempt) return '';
  const from = attempt.src === '' ? '' : ` from ${plain(attempt.src)}`;
  const when = index === 0 ? '' : ', if the source before is unavailable; deletes nothing';
  const steps = explainedSteps(attempt.steps).map((step, i) => stepText(stepWords(step, job), `${i + 1}. `));
  return `Steps${from}${when}\n${steps.join('')}`;
}

/** The steps of each repository come after the step that says that they are for each. */
function explainedSteps(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => (step.kind === 'each-repository' ? [step, ...flatSteps([step])] : [step]));
}

function stepText({ text, command, file, always }: StepWords, number: string): string {
  const lines = [`  ${number}${text}`];
  for (const line of file?.trimEnd().split('\n') ?? []) lines.push(`     | ${line}`);
  if (command !== undefined) lines.push(`     ${command}`);
  for (const line of always ?? []) lines.push(`     then always: ${line}`);
  return lines.map((line) => `${plain(line)}\n`).join('');
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Files as `include` names them: relative to the config. */
function originText({ label, file, line }: EffectiveValue['origin'], configPath: string): string {
  if (file === null) return label;
  const name = relative(dirname(configPath), file);
  return `${label} (${name}${line === null ? '' : `:${line}`})`;
}
