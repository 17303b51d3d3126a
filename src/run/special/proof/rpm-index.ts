import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallFile, readSmallText } from '../../../boundary/small-file.js';
import type { Outcome } from '../../../job/outcome.js';
import type { ProveRpmStep } from '../../../job/proof-step.js';
import type { Turn } from '../../steps.js';
import { digestOf } from '../digest.js';
import { isPlain } from '../names.js';
import { lstatIfThere } from '../../../system/if-there.js';
import { unescaped } from './character-references.js';

/** Largest `repomd.xml` that is read; Fedora's has some kB. */
const REPOMD_LIMIT_BYTES = 4 << 20;

/** Largest `primary.xml.gz` of which the beginning is looked at. */
const PRIMARY_LIMIT_BYTES = 512 << 20;

/** Compressed bytes of it that have some packages. */
const BEGINNING_BYTES = 256 * 1024;

/** A file of the index, as `repomd.xml` names it. */
export interface IndexFile {
  readonly type: string;
  readonly path: string;
  /** In bytes; null: not said. */
  readonly size: number | null;
  readonly checksum: { readonly algorithm: string; readonly digest: string } | null;
}

/**
 * Holds the new index to its own `repomd.xml`, and that to the one that was fetched with its signature; then puts signature
 * and key beside it. Digests are read only if the index is another one than dst has. The outcome that ends the run, or null.
 */
export function proveIndex(dst: string, { held, signed }: ProveRpmStep): Outcome | null {
  const read = (path: string): Buffer | null => readSmallFile(path, { limitBytes: REPOMD_LIMIT_BYTES });
  const repomd = read(join(held, 'repodata/repomd.xml'));
  if (repomd === null) return failed('transfer', 'the index has no repomd.xml');
  const text = repomd.toString('utf8');
  if (namesForeignParts(text))
    return failed('transfer', 'the index names parts of its own that are no plain paths beside it');
  if (read(join(signed, 'repomd.xml'))?.equals(repomd) !== true)
    return failed('unavailable', "upstream's index changed while it was read");
  const isNew = read(join(dst, 'repodata/repomd.xml'))?.equals(repomd) !== true;
  for (const file of indexFiles(text)) {
    if (!isWhole(held, file, isNew)) {
      return failed('transfer', `${file.path} is not there, or not what repomd.xml says`);
    }
  }
  for (const name of readdirSync(signed).filter((file) => file !== 'repomd.xml')) {
    copyFileSync(join(signed, name), join(held, 'repodata', name));
  }
  return null;
}

/** Whether a part of the index was not fetched from beside it: librepo copies files of this host, too. */
function namesForeignParts(repomd: string): boolean {
  const isReadable = !/\0|<!DOCTYPE|encoding=["'](?!utf-8["'])/i.test(repomd);
  const hrefs = repomd.split(/\bhref\s*=\s*["']/).slice(1);
  const isPlainHref = (href: string): boolean => /^[A-Za-z0-9][\w.+~@%=,/-]*["']/.test(href);
  return !isReadable || repomd.includes('xml:base') || !hrefs.every(isPlainHref);
}

function failed(failure: 'transfer' | 'unavailable', reason: string): Outcome {
  return { kind: 'failed', failure, reason };
}

/** The files that a `repomd.xml` names. */
export function indexFiles(repomd: string): IndexFile[] {
  // Split, not matched: an expression with an open end takes quadratic time for many begins without an end.
  return repomd
    .split('<data')
    .slice(1)
    .flatMap((part) => {
      const [body = ''] = part.split('</data>', 1);
      const type = /^\s+type="([^"]{1,200})"\s*>/.exec(body)?.[1];
      if (type === undefined) return [];
      const [, algorithm = '', digest = ''] =
        /<checksum\s{1,20}type="([^"]{1,40})"\s{0,20}>\s{0,20}([0-9a-f]{1,200})\s{0,20}</i.exec(body) ?? [];
      const size = /<size>\s{0,20}(\d{1,18})\s{0,20}</.exec(body)?.[1];
      return {
        type,
        path: unescaped(/<location\b[^>]{0,200}?\bhref="([^"]{1,4096})"/.exec(body)?.[1] ?? ''),
        size: size === undefined ? null : Number(size),
        checksum: digest === '' ? null : { algorithm: algorithm.toLowerCase(), digest: digest.toLowerCase() },
      };
    });
}

function isWhole(held: string, { path, size, checksum }: IndexFile, isNew: boolean): boolean {
  if (!isPlain(path)) return false;
  const stat = lstatIfThere(join(held, path));
  if (!stat?.isFile() || (size !== null && stat.size !== size)) return false;
  const algorithm = checksum?.algorithm === 'sha' ? 'sha1' : checksum?.algorithm;
  if (!isNew || checksum === null || !/^(sha1|sha224|sha256|sha384|sha512)$/.test(algorithm ?? ''))
    return true;
  return digestOf(join(held, path), algorithm ?? '') === checksum.digest;
}

/**
 * Says in the log if the index names another place for its packages (`xml:base`, which createrepo_c's `--baseurl` writes):
 * clients go there, not to this mirror. Only the beginning of a gzipped index is looked at.
 */
export async function warnOfForeignPackages(turn: Turn, held: string): Promise<void> {
  const repomd = readSmallText(join(held, 'repodata/repomd.xml'), { limitBytes: REPOMD_LIMIT_BYTES }) ?? '';
  const primary = indexFiles(repomd).find(({ type, path }) => type === 'primary' && path.endsWith('.gz'));
  if (primary === undefined || !isPlain(primary.path)) return;
  const { constants, gunzipSync } = await import('node:zlib');
  const bytes = readSmallFile(join(held, primary.path), { limitBytes: PRIMARY_LIMIT_BYTES });
  if (bytes === null) return;
  let text = '';
  try {
    text = gunzipSync(bytes.subarray(0, BEGINNING_BYTES), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: 64 * BEGINNING_BYTES,
    }).toString('utf8');
  } catch {
    return;
  }
  const base = /<location\b[^>]{0,4096}?\bxml:base="([^"]{1,2000})"/.exec(text)?.[1];
  if (base === undefined) return;
  turn.log.note('WARNING', `the index sends clients to ${unescaped(base)} for packages, not to this mirror`);
}
