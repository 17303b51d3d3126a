import { closeSync, openSync, readSync } from 'node:fs';
import { unlessGone } from '../../system/if-there.js';

/** Digest of a file in hexadecimal digits, null when there is no such file; `algorithm` as node:crypto names it. */
export function digestOf(path: string | Buffer, algorithm: string): string | null {
  const fd = unlessGone(() => openSync(path, 'r'));
  if (fd === null) return null;
  try {
    const digest = process.getBuiltinModule('node:crypto').createHash(algorithm);
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) {
      digest.update(buffer.subarray(0, read));
    }
    return digest.digest('hex');
  } finally {
    closeSync(fd);
  }
}
