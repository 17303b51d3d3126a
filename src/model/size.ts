import type { MinFree } from '../job/job.js';

const UNITS: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Bytes of a size such as `5G`, `1.5T` or `4096`; K, M, G and T are powers of 1024. Null when it is no size. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text);
  if (!match) return null;
  const bytes = Math.floor(Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The shortest exact form: 5368709120 → `5G`, 1000 → `1000`. */
export function formatSize(bytes: number): string {
  const units = Object.entries(UNITS).reverse();
  const [unit, size] = units.find(([, each]) => bytes >= each && bytes % each === 0) ?? ['', 1];
  return `${bytes / size}${unit}`;
}

/** `guard.min_free`: a percentage of the file system, or a size. Null when it is neither. */
export function parseMinFree(text: string): MinFree | null {
  if (text.endsWith('%')) {
    const percent = Number(text.slice(0, -1));
    return Number.isFinite(percent) && percent >= 0 && percent <= 100 ? { share: percent / 100 } : null;
  }
  const bytes = parseSize(text);
  return bytes === null ? null : { bytes };
}
