import { existsSync, opendirSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readSmallText } from '../../../boundary/small-file.js';
import type { ProveSimpleStep } from '../../../job/proof-step.js';
import { writeFileAtomic } from '../../../system/atomic.js';
import { lstatIfThere, unlessGone } from '../../../system/if-there.js';
import { isPlain, withoutSlashesAtEnd } from '../names.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { unescaped } from './character-references.js';

/** Largest page of a project that is read: those of the largest projects have some 10 MB. */
const PAGE_LIMIT_BYTES = 256 << 20;

/** Below so many files, each run looks at all of them: 21 s of CPU for a million, as measured, so no more than 10 s. */
const SMALL_MIRROR_FILES = 400_000;

/** A larger mirror is looked at as a whole this often; between, only the pages that were written since. */
const WHOLE_EVERY_MS = 7 * 86_400_000;

/** By how much the clocks of a file system and of this host may differ. */
const CLOCK_MS = 2000;

/** Pages of a project, in HTML and in JSON (PEP 691). Those of one project are written together. */
const PAGES = ['index.html', 'index.v1_json', 'index.v1_html'];

/** A file of `web` that a page names. */
export interface NamedFile {
  readonly path: string;
  /** In bytes; null: the page does not say. */
  readonly size: number | null;
}

/** When all pages were proved, and when the pages that had changed; epoch ms. */
interface ProofRecord {
  readonly whole: number;
  readonly last: number;
  readonly files: number;
}

/** Holds the files of a mirror of PyPI to the pages by which pip finds them. */
export function proveSimple(turn: Turn, step: ProveSimpleStep): StepEnd {
  const began = Date.now();
  const before = readRecord(step.record);
  const isWhole = before === null || isWholeDue(before, began);
  const since = isWhole ? -Infinity : before.last - CLOCK_MS;
  const missing: string[] = [];
  const projects: string[] = [];
  let files = isWhole ? 0 : before.files;
  for (const project of projectsBelow(step.web, '')) {
    const page = newestPage(step.web, project, since);
    if (page === null) continue;
    const named = filesOf(step.web, page, step.root_uri);
    const gone = named.filter((file) => !isThere(step.web, file)).map(({ path }) => path);
    if (isWhole) files += named.length;
    if (gone.length === 0) continue;
    projects.push(project.slice(project.lastIndexOf('/') + 1));
    missing.push(...gone);
  }
  if (missing.length === 0) {
    const record: ProofRecord = { whole: isWhole ? began : before.whole, last: began, files };
    writeFileAtomic(step.record, JSON.stringify(record), 0o600);
    turn.log.note('INFO', `all files of the ${isWhole ? '' : 'new '}pages are there`);
    return GO_ON;
  }
  const again = askAgain(step, projects) ? '; the next run fetches them' : '';
  const reason = `${String(missing.length)} files that the pages of projects name are not there, such as ${missing[0] ?? ''}${again}`;
  return { outcome: { kind: 'failed', failure: 'transfer', reason }, done: true };
}

function readRecord(path: string): ProofRecord | null {
  try {
    return JSON.parse(readSmallText(path, { limitBytes: 4096 }) ?? 'null') as ProofRecord | null;
  } catch {
    // All pages are looked at.
    return null;
  }
}

function isWholeDue({ whole, last, files }: ProofRecord, now: number): boolean {
  if (!(files >= SMALL_MIRROR_FILES)) return true;
  return now < last || !(now - whole < WHOLE_EVERY_MS);
}

/** Directories of projects below `simple`; with `hash-index` they are one level deeper, by their first letter. */
function* projectsBelow(web: string, letter: string): Generator<string> {
  const directory = join('simple', letter);
  const entries = unlessGone(() => opendirSync(join(web, directory)));
  if (entries === null) return;
  try {
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
      if (!entry.isDirectory()) continue;
      const path = join(directory, entry.name);
      const isLetter = letter === '' && entry.name.length === 1;
      if (isLetter && !PAGES.some((page) => existsSync(join(web, path, page)))) {
        yield* projectsBelow(web, entry.name);
      } else yield path;
    }
  } finally {
    entries.closeSync();
  }
}

/** The page of a project that was written last, if that was after `since` (epoch ms); others may be of an earlier format. */
function newestPage(web: string, project: string, since: number): string | null {
  let newest: string | null = null;
  let time = since;
  for (const name of PAGES) {
    const path = pageFile(web, join(project, name));
    const stat = path === null ? undefined : lstatIfThere(join(web, path));
    if (!stat?.isFile() || stat.ctimeMs <= time) continue;
    [newest, time] = [path, stat.ctimeMs];
  }
  return newest;
}

/** With `keep-index-versions`, a page is a link to one of several beside it. No other link is followed. */
function pageFile(web: string, path: string): string | null {
  if (lstatIfThere(join(web, path))?.isSymbolicLink() !== true) return path;
  const name = /(?:^|\/)(versions\/[^/]+)$/.exec(readlinkSync(join(web, path)))?.[1];
  return name === undefined ? null : join(dirname(path), name);
}

function filesOf(web: string, page: string, root: string | null): NamedFile[] {
  const text = readSmallText(join(web, page), { limitBytes: PAGE_LIMIT_BYTES }) ?? '';
  return page.includes('json') ? filesInJson(text, page, root) : filesInHtml(text, page, root);
}

/** The files that a page in HTML links to; `page` is its path below `web`. Links that lead elsewhere are not the mirror's. */
export function filesInHtml(text: string, page: string, root: string | null): NamedFile[] {
  // Split, not matched: an expression with open ends takes quadratic time for many tags without an end.
  return text
    .split(/<a\s/)
    .slice(1)
    .flatMap((part) => {
      const begin = part.indexOf('href="');
      const end = part.indexOf('"', begin + 'href="'.length);
      if (begin === -1 || end === -1 || part.slice(0, begin).includes('>')) return [];
      const href = part.slice(begin + 'href="'.length, end);
      const attributes = part.slice(end + 1).split('>', 1)[0] ?? '';
      const hasMetadata = /\sdata-core-metadata=/.test(attributes);
      return withMetadata(pathOf(unescaped(href), page, root), null, hasMetadata);
    });
}

/** The same for a page in JSON. Throws SyntaxError. */
export function filesInJson(text: string, page: string, root: string | null): NamedFile[] {
  const { files = [] } = JSON.parse(text) as {
    files?: readonly { url?: string; size?: number; 'core-metadata'?: unknown }[];
  };
  return files.flatMap(({ url = '', size, 'core-metadata': metadata }) =>
    withMetadata(pathOf(url, page, root), size ?? null, typeof metadata === 'object' && metadata !== null),
  );
}

/** A file, and the one beside it with the metadata that pip asks for first (PEP 658). */
function withMetadata(path: string | null, size: number | null, hasMetadata: boolean): NamedFile[] {
  if (path === null) return [];
  return [{ path, size }, ...(hasMetadata ? [{ path: `${path}.metadata`, size: null }] : [])];
}

/** Where below `web` a link of a page leads, or null if that is not below `packages`. */
function pathOf(href: string, page: string, root: string | null): string | null {
  const link = href.replace(/[?#].*$/s, '');
  const own = root === null ? null : `${withoutSlashesAtEnd(root)}/`;
  const isOwn = own !== null && link.startsWith(own);
  if (!isOwn && /^([a-z][a-z0-9+.-]*:|\/)/i.test(link)) return null;
  const path = isOwn ? link.slice(own.length) : join(dirname(page), link);
  try {
    const meant = decodeURIComponent(path);
    return meant.startsWith('packages/') && isPlain(meant) ? meant : null;
  } catch {
    return null;
  }
}

function isThere(web: string, { path, size }: NamedFile): boolean {
  const stat = lstatIfThere(join(web, path));
  return stat?.isFile() === true && (size === null || stat.size === size);
}

/**
 * Puts projects on the list of what bandersnatch still has to do, in its own format: the serial that is reached then, and a
 * project a line with the serial that its metadata must have at least. False if an interrupted run left such a list.
 */
function askAgain({ status, todo }: ProveSimpleStep, projects: readonly string[]): boolean {
  const serial = readSmallText(status, { limitBytes: 4096 })?.trim() ?? '';
  if (!/^\d+$/.test(serial) || existsSync(todo)) return false;
  writeFileAtomic(todo, [serial, ...projects.map((name) => `${name} 0`)].join('\n'), 0o644);
  return true;
}
