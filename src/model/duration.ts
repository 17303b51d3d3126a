const PATTERN = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const UNITS = [604800, 86400, 3600, 60, 1];

/**
 * Seconds of an ISO 8601 duration in weeks, days, hours, minutes and whole seconds, or null. Years and months are
 * refused: they have no fixed length (mirror.py refuses them too). At least one number is required.
 */
export function parseDuration(text: string): number | null {
  const match = PATTERN.exec(text);
  if (!match || text === 'P' || text.endsWith('T')) return null;
  const parts = match.slice(1) as (string | undefined)[];
  const seconds = parts.reduce((sum, part, i) => sum + Number(part ?? 0) * (UNITS[i] ?? 0), 0);
  return Number.isSafeInteger(seconds) ? seconds : null;
}

/** The shortest form in days, hours, minutes and seconds: 187445 → `P2DT4H4M5S`; 0 → `PT0S`. */
export function formatDuration(seconds: number): string {
  const days = Math.floor(seconds / 86400);
  const time = [
    [Math.floor((seconds % 86400) / 3600), 'H'],
    [Math.floor((seconds % 3600) / 60), 'M'],
    [seconds % 60, 'S'],
  ] as const;
  const clock = time.map(([n, unit]) => (n > 0 ? `${String(n)}${unit}` : '')).join('');
  if (days === 0 && clock === '') return 'PT0S';
  return `P${days > 0 ? `${String(days)}D` : ''}${clock === '' ? '' : `T${clock}`}`;
}
