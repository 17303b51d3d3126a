import { dirname } from 'node:path';
import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import type { PublishedPackage, SiteFile } from '../job/site-file.js';
import { stamp } from '../job/zone.js';
import { whoAsks } from '../run/who.js';
import type { Hold, PackageState } from '../state/package-state.js';
import { markDirty, publish } from '../state/publish.js';
import { peekState, readHold, writeHold } from '../state/store.js';
import { appliedSite, selectPackages } from './applied-site.js';
import { ExitError } from './exit.js';
import { iso, parseMoment } from './moment.js';
import type { GlobalOptions } from './options.js';
import { plain } from './table.js';

interface Selection extends GlobalOptions {
  readonly id?: readonly string[] | undefined;
  readonly all: boolean;
}

/** `mirror hold`: writes the holds, publishes, and says what it did. `now` in epoch ms. */
export function holdPackages(
  options: Selection & { readonly until?: string | undefined; readonly reason?: string | undefined },
  now: number,
): void {
  const { layout, site } = appliedSite(options);
  const packages = chosen(site, options);
  const hold: Hold = {
    since: now,
    until: options.until === undefined ? null : ending(options.until, now, site.timezone),
    by: plain(whoAsks(process.env)),
    reason: options.reason === undefined ? null : plain(options.reason),
  };
  for (const { id } of packages) write(layout, id, hold);
  republish(layout, now);
  if (options.json) {
    const ids = packages.map(({ id }) => id);
    const shown = { packages: ids, ...hold, since: iso(hold.since), until: iso(hold.until) };
    process.stdout.write(`${jsonText({ format: 'mirror/hold/1', ...shown }, 2)}\n`);
    return;
  }
  const until = hold.until === null ? 'until `mirror unhold`' : `until ${stamp(hold.until, site.timezone)}`;
  for (const { id } of packages) {
    process.stdout.write(`${id}: held ${until}${meanwhile(peekState(layout, id))}\n`);
  }
}

function meanwhile({ run }: PackageState): string {
  if (run === null) return '';
  return run.phase === 'running'
    ? '; its sync in progress goes on (`mirror stop` ends it)'
    : '; its run that waits will not begin';
}

/** `mirror unhold`: ends the holds, publishes, and says what it did. The next tick starts what is due, and clears them. */
export function unholdPackages(options: Selection, now: number): void {
  const { layout, site } = appliedSite(options);
  const packages = chosen(site, options);
  const held: string[] = [];
  for (const { id } of packages) {
    const hold = readHold(layout, id, now);
    if (hold === null) continue;
    write(layout, id, { ...hold, until: now });
    held.push(id);
  }
  republish(layout, now);
  if (options.json) {
    process.stdout.write(`${jsonText({ format: 'mirror/unhold/1', packages: held }, 2)}\n`);
    return;
  }
  const rest = options.all ? [] : packages.filter(({ id }) => !held.includes(id));
  for (const id of held) process.stdout.write(`${id}: released\n`);
  for (const { id } of rest) process.stdout.write(`${id}: was not held\n`);
  if (options.all && held.length === 0) process.stdout.write('no package was held\n');
}

function chosen(site: SiteFile, { id = [], all }: Selection): readonly PublishedPackage[] {
  if (all === id.length > 0) throw new ExitError(EXIT.usage, 'mirror: name packages, or --all for every one');
  return selectPackages(site, id);
}

function ending(text: string, now: number, zone: string): number {
  const until = parseMoment(text, now, zone);
  if (until === null) {
    throw new ExitError(
      EXIT.usage,
      `mirror: --until: \`${text}\` is neither a duration (PT6H) nor a time (2026-11-30T18:00)`,
    );
  }
  if (until <= now)
    throw new ExitError(EXIT.usage, `mirror: --until: ${stamp(until, zone)} is not in the future`);
  return until;
}

function republish(layout: Layout, now: number): void {
  markDirty(layout);
  publish(layout, now);
}

function write(layout: Layout, id: string, hold: Hold): void {
  try {
    writeHold(layout, id, hold);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const directory = dirname(layout.holdFile(id));
    throw new ExitError(EXIT.cantCreate, `mirror: ${directory}: no such directory: run \`mirror setup\``);
  }
}
