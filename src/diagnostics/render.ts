import type { Diagnostic, Severity } from './diagnostic.js';
import { frame, printable } from './frame.js';

/** Diagnostics that views for people show; the rest is counted. */
const MAX_SHOWN = 100;

/** The diagnostics that a view for people shows, and what to say of the rest, or null: `and 47,900 more errors, 1 more warning`. */
export function shownOf(diagnostics: readonly Diagnostic[]): {
  readonly shown: readonly Diagnostic[];
  readonly more: string | null;
} {
  const rest = diagnostics.slice(MAX_SHOWN);
  const parts = (['error', 'warning'] as const).flatMap((severity) => {
    const count = rest.filter((diagnostic) => diagnostic.severity === severity).length;
    return count === 0 ? [] : [`${count.toLocaleString('en-US')} more ${severity}${count === 1 ? '' : 's'}`];
  });
  return {
    shown: diagnostics.slice(0, MAX_SHOWN),
    more: parts.length === 0 ? null : `and ${parts.join(', ')}`,
  };
}

const COLORS = { error: '\u001b[31m', warning: '\u001b[33m', bold: '\u001b[1m', off: '\u001b[0m' };

/** For people: what, where with the source underlined, how to fix it; a blank line after each. */
export function renderHuman(
  diagnostics: readonly Diagnostic[],
  { color }: { readonly color: boolean },
): string {
  const { shown, more } = shownOf(diagnostics);
  const blocks = shown.map((diagnostic) => block(diagnostic, color));
  if (more !== null) blocks.push(`${more}\n`);
  return blocks.map((text) => `${text}\n`).join('');
}

/** `2 errors, 1 warning`. */
export function countText(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Severity): string => {
    const n = diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
    return `${n} ${severity}${n === 1 ? '' : 's'}`;
  };
  return `${count('error')}, ${count('warning')}`;
}

/** One diagnostic in machine-readable form; positions count from 1, `null` where there is none. */
export interface DiagnosticJson {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly help: string | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly length: number | null;
  readonly pointer: string | null;
  readonly source: string | null;
}

/** For machines: all of them, in the same order. */
export function toJson(diagnostics: readonly Diagnostic[]): {
  readonly format: 'mirror/diagnostics/1';
  readonly diagnostics: readonly DiagnosticJson[];
} {
  return {
    format: 'mirror/diagnostics/1',
    diagnostics: diagnostics.map(({ code, severity, message, help, place, span }) => ({
      code,
      severity,
      message,
      help: help ?? null,
      file: place?.file ?? null,
      line: span?.line ?? null,
      column: span?.column ?? null,
      length: span?.length ?? null,
      pointer: place?.pointer ?? null,
      source: span?.text ?? null,
    })),
  };
}

function block(diagnostic: Diagnostic, color: boolean): string {
  const { code, severity, message, help, place, span } = diagnostic;
  const paint = (style: keyof typeof COLORS, text: string): string =>
    color ? `${COLORS[style]}${text}${COLORS.off}` : text;
  const lines = [`${paint(severity, `${severity}[${code}]`)}: ${paint('bold', printable(message))}`];
  if (place) lines.push(`  ${printable(place.file)}${span ? `:${span.line}:${span.column}` : ''}`);
  if (span) {
    const [source, marker] = frame(span);
    const bar = marker.indexOf('|') + 1;
    lines.push(`  ${source}`, `  ${marker.slice(0, bar)}${paint(severity, marker.slice(bar))}`);
  }
  if (help !== undefined) lines.push(`  help: ${printable(help)}`);
  return `${lines.join('\n')}\n`;
}
