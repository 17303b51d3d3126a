/** Makes a generator of numbers from 0 to 1 (mulberry32): the same ones every time for the same seed. */
export function seededRandom(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** How many times a seeded test kills something: 200, or what `npm run soak` says. */
export const TRIALS = Number(process.env.MIRROR_TEST_TRIALS ?? 200);
