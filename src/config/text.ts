import { isUtf8 } from 'node:buffer';
import type { Finding } from '../diagnostics/diagnostic.js';
import { MAX_BYTES, tooLarge } from './reader.js';

/**
 * The bytes of a config file as UTF-8 without a byte order mark, or what kind of file it is instead. Editors on other
 * systems write the mark; it means nothing and is dropped.
 */
export function configBytes(path: string, bytes: Uint8Array): Uint8Array | Finding {
  if (bytes.length > MAX_BYTES) return badFile('too-large', tooLarge(path, bytes.length).reason);
  if (startsWith(bytes, [0xff, 0xfe]) || startsWith(bytes, [0xfe, 0xff])) {
    return badFile('not-utf8', 'is UTF-16 text', 'save it as UTF-8');
  }
  const text = startsWith(bytes, [0xef, 0xbb, 0xbf]) ? bytes.subarray(3) : bytes;
  if (text.includes(0)) return badFile('binary', 'is a binary file, not JSON');
  if (!isUtf8(text)) return badFile('not-utf8', 'is not valid UTF-8 text', 'save it as UTF-8');
  if (text.every((byte) => byte <= 0x20)) {
    return badFile(
      'empty-file',
      'is empty',
      'a config starts as `{ "mirrorname": …, "hostname": …, "settings": { … } }`',
    );
  }
  return text;
}

function badFile(code: string, message: string, help?: string): Finding {
  return { code, severity: 'error', message: `the file ${message}`, ...(help === undefined ? {} : { help }) };
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}
