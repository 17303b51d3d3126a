/**
 * A set of many paths in 8 bytes each and the room between them: two 32-bit hashes instead of text. Two paths that share
 * both would be taken for one, which happens once in a list of a million million; then a file stays that could go.
 */
export class PathSet {
  private slots = new Int32Array(1 << 13);
  private mask = (1 << 12) - 1;
  private size = 0;

  /** False when it was there already. */
  add(path: string): boolean {
    if (this.size * 2 > this.mask) this.grow();
    const [a, b] = hashes(path);
    if (!this.put(a, b)) return false;
    this.size += 1;
    return true;
  }

  has(path: string): boolean {
    const [a, b] = hashes(path);
    for (let at = a & this.mask; ; at = (at + 1) & this.mask) {
      const [x, y] = [this.slots[2 * at], this.slots[2 * at + 1]];
      if (x === a && y === b) return true;
      if (x === 0 && y === 0) return false;
    }
  }

  private put(a: number, b: number): boolean {
    for (let at = a & this.mask; ; at = (at + 1) & this.mask) {
      const [x, y] = [this.slots[2 * at], this.slots[2 * at + 1]];
      if (x === a && y === b) return false;
      if (x !== 0 || y !== 0) continue;
      this.slots[2 * at] = a;
      this.slots[2 * at + 1] = b;
      return true;
    }
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Int32Array(old.length * 2);
    this.mask = this.mask * 2 + 1;
    for (let i = 0; i < old.length; i += 2) {
      const [a, b] = [old[i] ?? 0, old[i + 1] ?? 0];
      if (a !== 0 || b !== 0) this.put(a, b);
    }
  }
}

/** FNV-1a from two starting points; never two zeros, which mark a free place. */
function hashes(path: string): [number, number] {
  let [a, b] = [0x811c9dc5 | 0, 0x2f0b4c47 | 0];
  for (let i = 0; i < path.length; i += 1) {
    const code = path.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + i), 0x85ebca6b);
  }
  a ^= a >>> 15;
  b ^= b >>> 13;
  return a === 0 && b === 0 ? [1, 0] : [a, b];
}
