import type { Diagnostic } from './diagnostic.js';

/** Sorted by file and position, errors before warnings at one place, each said once. */
export function ordered(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  const unique = diagnostics.filter((diagnostic) => {
    const key = JSON.stringify([...position(diagnostic), diagnostic.code, diagnostic.message]);
    return !seen.has(key) && seen.add(key);
  });
  return unique.sort(compare);
}

function compare(a: Diagnostic, b: Diagnostic): number {
  const [fileA, lineA, columnA] = position(a);
  const [fileB, lineB, columnB] = position(b);
  if (fileA !== fileB) return fileA < fileB ? -1 : 1;
  if (lineA !== lineB) return lineA - lineB;
  if (columnA !== columnB) return columnA - columnB;
  if (a.severity !== b.severity) return a.severity === 'error' ? -1 : 1;
  if (a.code !== b.code) return a.code < b.code ? -1 : 1;
  return a.message < b.message ? -1 : a.message > b.message ? 1 : 0;
}

function position(diagnostic: Diagnostic): readonly [string, number, number] {
  return [diagnostic.place?.file ?? '', diagnostic.span?.line ?? 0, diagnostic.span?.column ?? 0];
}
