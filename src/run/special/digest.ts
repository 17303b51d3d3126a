import { closeSync } from 'node:fs';
import { readPart } from '../../boundary/small-file.js';
import { openToRead, UnfitFile } from '../../boundary/regular-file.js';
import { unlessGone } from '../../system/if-there.js';

/**
 * Digest of a file in hexadecimal digits, null when there is no such file; empty, which is no file's digest, when a link,
 * a FIFO or a directory lies there. `algorithm` as node:crypto names it.
 */
export function digestOf(path: string | Buffer, algorithm: string): string | null {
  const fd = openToDigest(path);
  if (typeof fd !== 'number') return fd;
  try {
    return digestOfOpened(fd, algorithm);
  } finally {
    closeSync(fd);
  }
}

/** The same of an open file from where it stands, which stays open. */
export function digestOfOpened(fd: number, algorithm: string): string {
  const digest = process.getBuiltinModule('node:crypto').createHash(algorithm);
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let read = readPart(fd, buffer); read > 0; read = readPart(fd, buffer)) {
    digest.update(buffer.subarray(0, read));
  }
  return digest.digest('hex');
}

function openToDigest(path: string | Buffer): number | '' | null {
  try {
    return unlessGone(() => openToRead(path));
  } catch (error) {
    if (error instanceof UnfitFile) return '';
    throw error;
  }
}
