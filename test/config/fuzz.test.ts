import { readFileSync } from 'node:fs';
import { isAbsolute, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile/index.js';
import { renderHuman, toJson } from '../../src/diagnostics/render.js';
import { layout } from '../../src/job/layout.js';
import { nextSlot } from '../../src/job/slots.js';
import type { Package } from '../../src/model/site.js';
import { readFiles } from './read.js';
import { mutate, random } from './mutate.js';

const RUNS = 10_000;
const SEED = Number(process.env.FUZZ_SEED ?? 20261122);

const example = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`fixtures/${file}`, import.meta.url)), 'utf8');

describe('mutated configs', () => {
  test(
    `${RUNS} of them crash nothing, and none is accepted that makes no sense`,
    { timeout: 600_000 },
    () => {
      const next = random(SEED);
      const config = example('fuzz/config.json');
      const included = example('fuzz/packages.d/more.json');
      const count = { accepted: 0, refused: 0 };
      for (let run = 0; run < RUNS; run += 1) {
        const inInclude = next(4) === 0;
        const files = {
          'config.json': inInclude ? config : mutate(config, next),
          'packages.d/more.json': inInclude ? mutate(included, next) : included,
        };
        try {
          count[check(files) ? 'accepted' : 'refused'] += 1;
        } catch (error) {
          throw new Error(
            `run ${run} of seed ${SEED}:\n${files['config.json']}\n${files['packages.d/more.json']}`,
            {
              cause: error,
            },
          );
        }
      }
      // A mutator that breaks everything, or nothing, would prove nothing.
      expect(count.accepted).toBeGreaterThan(RUNS / 25);
      expect(count.refused).toBeGreaterThan(RUNS / 3);
    },
  );
});

function check(files: Record<string, string>): boolean {
  const result = readFiles(files);
  const { site, diagnostics } = result;
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  expect(site === null).toBe(errors.length > 0);
  const said = renderHuman(diagnostics, { color: false }) + JSON.stringify(toJson(diagnostics));
  expect(said).not.toMatch(/undefined|NaN|\[object|\u001b/);
  const secret = hasSecret(files);
  if (secret) expect(said).not.toContain('hunter2');
  for (const { span, place, code } of diagnostics) {
    expect(place, code).toBeDefined();
    if (span) expect(span.line >= 1 && span.column >= 1 && span.length >= 1).toBe(true);
  }
  if (!site) return false;
  for (const pkg of site.packages) makesSense(pkg);
  // Compiling is slower than reading: every third of them.
  if ((files['config.json'] ?? '').length % 3 > 0) return true;
  const { artifacts, findings } = compile(site, {
    layout: layout(''),
    executable: '/usr/bin/mirror',
    nameServers: [],
  });
  result.locate(findings);
  const open = artifacts.flatMap((artifact) =>
    artifact.kind === 'file' && !artifact.secret ? artifact.content : '',
  );
  if (secret) expect(open.filter((content) => content.includes('hunter2'))).toEqual([]);
  return true;
}

/** Whether the password is where passwords belong, and nowhere else: a mutation may have put it into a name. */
function hasSecret(files: Record<string, string>): boolean {
  const text = Object.values(files).join('\n');
  return !text.replace(/("password"\s*:\s*"|rsync:\/\/u:)hunter2/g, '').includes('hunter2');
}

function makesSense(pkg: Package): void {
  must(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(pkg.id), 'id');
  must(isAbsolute(pkg.dst) && normalize(pkg.dst) === pkg.dst && pkg.dst !== '/', `dst ${pkg.dst}`);
  const texts = [pkg.dst, pkg.name, pkg.href, ...pkg.sources.map(({ url }) => url)].join('');
  must(!/\p{Cc}/u.test(texts), 'no control characters');
  for (const [what, number] of numbers(pkg)) must(Number.isFinite(number), what);
  const { retry, guard, resources, minGap, maxRuntime } = pkg;
  must(retry.delay > 0 && retry.delay <= retry.maxDelay && retry.attempts >= 1, 'retry');
  must(guard.deletes >= 0 && guard.ratio >= 0 && guard.ratio <= 1, 'guard');
  must(minGap >= 0 && maxRuntime > 0 && pkg.firstSync.maxRuntime > 0, 'times');
  must(resources.nice >= -20 && resources.nice <= 19 && resources.io.level <= 7, 'resources');
  const { rule } = pkg.schedule;
  if (rule.kind !== 'none') must(nextSlot(pkg.schedule, 0) !== null, 'a schedule has slots');
  if (rule.kind === 'interval') must(rule.every % 60 === 0 && rule.phase < rule.every, 'interval');
  if (pkg.synctype === 'rsync') must(pkg.sources.length > 0, 'sources');
  must(!('password' in pkg.options), 'no password among the options');
}

/** Thousands of `expect` would take most of the time. */
function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`an accepted package makes no sense: ${what}`);
}

function numbers(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => numbers(item, `${path}/${key}`));
}
