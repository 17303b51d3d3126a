import { toPlainText } from '../job/plain-text.js';
import type { PublishedPackage, SiteFile } from '../job/site-file.js';
import { withTimes } from '../job/times.js';
import { stamp } from '../job/zone.js';
import type { Incident } from '../state/incident.js';
import type { PackageState } from '../state/package-state.js';

/** What people are told, as every channel has it. No secret is in it: site.json and state hold none. */
export interface Message {
  readonly format: 'mirror/notice/1';
  readonly event: 'failure' | 'recovery' | 'test';
  /** The same for every notice of an incident; a receiver who gets one twice can tell. */
  readonly incident: string;
  readonly package: string;
  readonly name: string;
  readonly mirrorname: string;
  readonly hostname: string;
  readonly node: string;
  /** IANA zone of the site, for times that people read. */
  readonly timezone: string;
  /** How the last run ended, or null. */
  readonly outcome: string | null;
  readonly reason: string | null;
  /** Failed attempts in a row. */
  readonly errors: number;
  /** ISO 8601 in UTC. */
  readonly since: string;
  readonly last_success: string | null;
  readonly log: string | null;
  /** One line that says it all; what chat programs show of a webhook's JSON. */
  readonly text: string;
}

/** The message about one package. Pure. */
export function messageOf(
  site: SiteFile,
  pkg: PublishedPackage,
  state: PackageState,
  event: 'failure' | 'recovery',
  incident: Incident,
): Message {
  const since = time(incident.since);
  const { last } = state;
  const reason = event === 'failure' ? clean(last?.reason ?? null) : null;
  const times = state.errors === 1 ? 'an attempt failed' : `${String(state.errors)} attempts failed in a row`;
  const text =
    event === 'failure'
      ? `${clean(pkg.name)} (${pkg.id}) on ${site.hostname}: ${times}${reason === null ? '' : `: ${reason}`}`
      : `${clean(pkg.name)} (${pkg.id}) on ${site.hostname} is well again`;
  return {
    format: 'mirror/notice/1',
    event,
    incident: `${pkg.id}.${String(incident.since)}`,
    package: pkg.id,
    name: clean(pkg.name),
    ...siteFields(site),
    outcome: last?.outcome ?? null,
    reason,
    errors: state.errors,
    since,
    last_success: state.last_success === null ? null : time(state.last_success),
    log: event === 'failure' ? state.last_error_log : null,
    text,
  };
}

/** What `mirror notify --test` sends. `now` in epoch ms. */
export function testMessage(site: SiteFile, now: number): Message {
  return {
    format: 'mirror/notice/1',
    event: 'test',
    incident: `test.${String(now)}`,
    package: '',
    name: '',
    ...siteFields(site),
    outcome: null,
    reason: null,
    errors: 0,
    since: time(now),
    last_success: null,
    log: null,
    text: `Test notice of ${clean(site.mirrorname)} on ${site.hostname}: notices arrive`,
  };
}

/** The message as environment: MIRROR_EVENT, MIRROR_PACKAGE, … A null is an empty value. */
export function environment(message: Message): Record<string, string> {
  // No environment can hold a NUL, and `clean` has seen to the texts that people write.
  const fields = Object.entries(message).filter(([key]) => key !== 'format');
  return Object.fromEntries(
    fields.map(([key, value]) => [`MIRROR_${key.toUpperCase()}`, String(value ?? '')]),
  );
}

/**
 * The message as a mail, header and body, for `sendmail`'s stdin; `now` in epoch ms. People read it: times are on the clock
 * of the site. Pure.
 */
export function mail(message: Message, to: string, now: number): string {
  const { timezone } = message;
  const state = { failure: 'failing', recovery: 'well again', test: 'test' }[message.event];
  const subject = `[${message.mirrorname}] ${message.event === 'test' ? 'notices' : message.package}: ${state}`;
  const rows: readonly [string, string | null][] = [
    ['package', message.package || null],
    ['mirror', `${message.mirrorname} (${message.hostname}, node ${message.node})`],
    ['outcome', message.outcome],
    ['since', message.since],
    ['last success', message.last_success],
    ['log', message.log],
  ];
  const body = [
    message.text,
    '',
    ...rows.flatMap(([key, value]) => (value === null ? [] : [`${key}: ${value}`])),
    ...(message.event === 'failure' ? ['', `mirror logs ${message.package} shows the log.`] : []),
    '',
  ];
  return [
    `To: ${to}`,
    `Subject: ${encoded(subject)}`,
    `Date: ${new Date(now).toUTCString().replace('GMT', '+0000')}`,
    // Sent twice because a process was killed between the sending and the writing down, it is still one message.
    `Message-ID: <${message.event}.${message.incident.replace(/[^\w.-]/g, '_')}@${message.hostname.replace(/[^\w.-]/g, '_')}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    withTimes(body.join('\n'), (at) => `${stamp(at, timezone)} ${timezone}`),
  ].join('\n');
}

function siteFields(site: SiteFile): Pick<Message, 'mirrorname' | 'hostname' | 'node' | 'timezone'> {
  const { hostname, node, timezone } = site;
  return { mirrorname: clean(site.mirrorname), hostname, node, timezone };
}

function time(at: number): string {
  return new Date(at).toISOString();
}

/** One line of at most 1000 characters: a reason may quote an upstream's words, and nobody forges a header with them. */
function clean(text: string): string;
function clean(text: string | null): string | null;
function clean(text: string | null): string | null {
  return text === null ? null : toPlainText(text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')).slice(0, 1000);
}

/** A header's text in ASCII, RFC 2047: pieces of at most 45 bytes, none inside a character. */
function encoded(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  const pieces: string[] = [''];
  for (const character of text) {
    const last = pieces.at(-1) ?? '';
    if (Buffer.byteLength(last + character) > 45) pieces.push(character);
    else pieces[pieces.length - 1] = last + character;
  }
  return pieces.map((piece) => `=?utf-8?B?${Buffer.from(piece).toString('base64')}?=`).join('\n ');
}
