import type { Finding } from '../../diagnostics/diagnostic.js';
import { nearest } from '../../diagnostics/suggest.js';
import { isZone, zoneNames } from '../../job/zone-names.js';
import { formatDuration } from '../../model/duration.js';
import { seconds } from '../../model/normalize-policy.js';
import type { Retry } from '../types.generated.js';
import { packageError, packageWarning, siteError, siteWarning, type CheckedSite } from './rule.js';
import { UPSTREAMS } from './upstreams.js';

/** Faster than this is hammering an upstream that has just failed. */
const FASTEST_RETRY = 300;

/** The zone names log files and moves wall-clock schedules: one that does not exist must not become UTC. */
export function knownTimeZone({ settings }: CheckedSite): Finding[] {
  const { localtimezone: zone } = settings;
  if (isZone(zone)) return [];
  const message = zone.trim() === '' ? 'the time zone is empty' : `unknown time zone \`${zone}\``;
  // An abbreviation says too little to guess by: `BST` is not `EST` misspelt.
  const same = (name: string): boolean => name.toLowerCase() === zone.toLowerCase();
  const guess = nearest(
    zone,
    [...zoneNames()].filter((name) => name.includes('/') || same(name)),
  );
  const help =
    guess === null
      ? 'an IANA name such as `Asia/Seoul`, `Europe/Berlin` or `UTC`'
      : `did you mean \`${guess}\`?`;
  return [siteError('/settings/localtimezone', { code: 'unknown-time-zone', message, help })];
}

/** No upstream asks for less than this. */
const SLOWEST = Math.max(...UPSTREAMS.map(({ minimum }) => minimum));

const ANY_UPSTREAM = new RegExp(UPSTREAMS.map(({ pattern }) => pattern.source).join('|'), 'i');

/** An upstream in trouble is not helped by mirrors that ask every minute. */
export function fastRetry({ config, packages }: CheckedSite): Finding[] {
  const said = (key: string, delay: number): { code: string; message: string; help: string } => ({
    code: 'fast-retry',
    message: `\`${key}\` lets a failed sync try again after ${formatDuration(delay)}`,
    help: `at least ${formatDuration(FASTEST_RETRY)} is kind to an upstream in trouble`,
  });
  const findings: Finding[] = [];
  const { errorcontinuetime, retry } = config.settings;
  if (errorcontinuetime !== undefined && errorcontinuetime < FASTEST_RETRY && retry?.delay === undefined) {
    findings.push(siteWarning('/settings/errorcontinuetime', said('errorcontinuetime', errorcontinuetime)));
  }
  const site = delayOf(retry);
  if (site !== null && site < FASTEST_RETRY) {
    findings.push(siteWarning('/settings/retry/delay', said('retry.delay', site)));
  }
  for (const { pkg, config: own } of packages) {
    const delay = delayOf(own.retry);
    if (delay === null || delay >= FASTEST_RETRY) continue;
    findings.push(packageWarning(pkg.id, '/retry/delay', said('retry.delay', delay)));
  }
  return findings;
}

/** The wait doubles up to `max_delay`: a maximum below the first wait is one of the two mistyped. */
export function retryOrder({ config, packages }: CheckedSite): Finding[] {
  const said = (delay: number): { code: string; message: string; help: string } => ({
    code: 'retry-order',
    message: `\`max_delay\` is shorter than the delay of ${formatDuration(delay)}`,
    help: 'make it at least as long as `delay`',
  });
  const findings: Finding[] = [];
  const wrong = (retry: Retry | undefined, delay: number): boolean =>
    retry?.max_delay !== undefined && seconds(retry.max_delay) < delay;
  const site = delayOf(config.settings.retry) ?? config.settings.errorcontinuetime ?? 600;
  if (wrong(config.settings.retry, site)) findings.push(siteError('/settings/retry/max_delay', said(site)));
  for (const { pkg, config: own } of packages) {
    if (wrong(own.retry, pkg.retry.delay)) {
      findings.push(packageError(pkg.id, '/retry/max_delay', said(pkg.retry.delay)));
    }
  }
  return findings;
}

/** Some upstreams say how often a mirror may come; they block those that come more often. */
export function tooFastForUpstream({ packages }: CheckedSite): Finding[] {
  return packages.flatMap(({ pkg, config }) => {
    const { interval } = pkg;
    if (interval === null || pkg.disabled) return [];
    if (interval >= SLOWEST) return [];
    const names = [pkg.id, ...pkg.sources.map(({ publicUrl }) => moduleOf(publicUrl))];
    if (!names.some((name) => ANY_UPSTREAM.test(name))) return [];
    const upstream = UPSTREAMS.find(({ pattern }) => names.some((name) => pattern.test(name)));
    const minimum = pkg.precheck ? (upstream?.withPrecheck ?? upstream?.minimum) : upstream?.minimum;
    if (!upstream || minimum === undefined || interval >= minimum) return [];
    const key =
      config.schedule !== undefined ? 'schedule' : config.synctime !== undefined ? 'synctime' : 'syncrate';
    const message = `every ${formatDuration(interval)} is more often than ${upstream.name} asks for (${formatDuration(minimum)})`;
    const help = `${upstream.says}: ${upstream.source}`;
    return [packageWarning(pkg.id, `/${key}`, { code: 'too-fast', message, help })];
  });
}

/** The last part of a source's path, which is how upstreams name their tree. */
function moduleOf(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(Math.max(url.lastIndexOf('/', end - 1), url.lastIndexOf(':', end - 1)) + 1, end);
}

function delayOf(retry: Retry | undefined): number | null {
  return retry?.delay === undefined ? null : seconds(retry.delay);
}
