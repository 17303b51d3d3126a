import { readPart } from '../../boundary/small-file.js';

/** Bytes read at once. A longer line comes in pieces: no tool prints a path that long. */
const WINDOW = 1 << 18;
const LINE_END = 10;

/**
 * Reads a large file line by line, or in stretches of many lines, through a window that does not grow with the file.
 * Text is Latin-1: one character a byte, so that names in any encoding come out as they went in.
 */
export class Lines {
  readonly buffer = Buffer.allocUnsafe(WINDOW);
  /** Where the next line begins. */
  start = 0;
  /** End of what has been read. */
  end = 0;
  private done = false;

  /** The lines of an open file from byte `at` on. */
  constructor(
    private readonly fd: number,
    private at = 0,
  ) {}

  /** Moves what is left to the front of the window and reads on; false at the end of the file. */
  fill(): boolean {
    if (!this.done) {
      this.buffer.copyWithin(0, this.start, this.end);
      this.end -= this.start;
      this.start = 0;
      while (this.end < WINDOW) {
        const read = readPart(this.fd, this.buffer, this.end, this.at);
        if (read === 0) {
          this.done = true;
          break;
        }
        this.end += read;
        this.at += read;
      }
    }
    return this.end > this.start;
  }

  /** End of the line at `start`, without its line end; -1 when the file has no more lines. */
  lineEnd(): number {
    let end = this.buffer.indexOf(LINE_END, this.start);
    if (end === -1 || end >= this.end) {
      if (!this.fill()) return -1;
      end = this.buffer.indexOf(LINE_END, this.start);
      if (end === -1 || end >= this.end) end = this.end;
    }
    return end;
  }

  /** The line at `start`, or null at the end; does not move on. */
  peek(): string | null {
    const end = this.lineEnd();
    return end === -1 ? null : this.buffer.toString('latin1', this.start, end);
  }

  /** Goes to the next line. */
  skip(): void {
    const end = this.lineEnd();
    if (end !== -1) this.start = Math.min(end + 1, this.end);
  }

  /** Every line that is left. */
  *[Symbol.iterator](): Generator<string> {
    for (let line = this.peek(); line !== null; line = this.peek()) {
      yield line;
      this.skip();
    }
  }
}

/** How many bytes from both `start`s on are the same. */
export function samePrefix(a: Lines, b: Lines): number {
  const length = Math.min(a.end - a.start, b.end - b.start);
  let same = 0;
  for (let step = 1 << 14; step > 0 && same < length;) {
    const next = Math.min(step, length - same);
    const [from, to] = [a.start + same, b.start + same];
    if (a.buffer.compare(b.buffer, to, to + next, from, from + next) === 0) same += next;
    else if (next === 1) break;
    else step = next >> 1;
  }
  return same;
}
