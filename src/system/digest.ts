import { createHash } from 'node:crypto';

/** SHA-256 of a text's UTF-8 bytes, in hexadecimal: how the manifest remembers what was written. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
