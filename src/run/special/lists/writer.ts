import { closeSync, openSync, writeSync } from 'node:fs';
import { readPart } from '../../../boundary/small-file.js';
import { openToRead } from '../../../boundary/regular-file.js';
import { unlessGone } from '../../../system/if-there.js';

/** Characters that are kept before they are written. */
const BLOCK = 1 << 18;

/** Writes Latin-1 texts, each with `prefix` in front and a zero byte behind it, as rsync's --from0 reads them. No text, no file. */
export class PathWriter {
  count = 0;
  private text = '';
  private fd: number | null = null;

  constructor(
    private readonly path: string,
    private readonly prefix = '',
  ) {}

  add(text: string): void {
    this.count += 1;
    this.text += `${this.prefix}${text}\0`;
    if (this.text.length >= BLOCK) this.flush();
  }

  close(): void {
    this.flush();
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }

  private flush(): void {
    if (this.text === '') return;
    this.fd ??= openSync(this.path, 'wx', 0o600);
    const bytes = Buffer.from(this.text, 'latin1');
    for (let at = 0; at < bytes.length;) at += writeSync(this.fd, bytes, at);
    this.text = '';
  }
}

/** Writes all of these at once, for `readPaths`. */
export function writePaths(path: string, texts: Iterable<string>): void {
  const writer = new PathWriter(path);
  for (const text of texts) writer.add(text);
  writer.close();
}

/** The texts of a file that `PathWriter` wrote, one after the other; none where it wrote none. */
export function* readPaths(path: string): Generator<string> {
  const fd = unlessGone(() => openToRead(path));
  if (fd === null) return;
  try {
    const buffer = Buffer.allocUnsafe(BLOCK);
    let rest = '';
    for (let read = readPart(fd, buffer); read > 0; read = readPart(fd, buffer)) {
      const texts = (rest + buffer.toString('latin1', 0, read)).split('\0');
      rest = texts.pop() ?? '';
      yield* texts;
    }
  } finally {
    closeSync(fd);
  }
}
