import { relative } from 'node:path';
import type { Diagnostic } from './diagnostic.js';
import { shownOf } from './render.js';

/**
 * Workflow commands that GitHub shows as annotations on the changed lines. `base` is the checkout's directory: GitHub
 * wants paths relative to it. The first 100, then a notice of how many more there are.
 */
export function renderGitHub(diagnostics: readonly Diagnostic[], base: string): string {
  const { shown, more } = shownOf(diagnostics);
  const commands = shown.map((diagnostic) => command(diagnostic, base));
  if (more !== null) commands.push(`::notice title=more::${data(more)}`);
  return commands.map((text) => `${text}\n`).join('');
}

function command({ code, severity, message, help, place, span }: Diagnostic, base: string): string {
  const properties = [
    ...(place ? [`file=${property(relative(base, place.file))}`] : []),
    ...(span
      ? [`line=${span.line}`, `col=${span.column}`, `endColumn=${span.column + Math.max(1, span.length)}`]
      : []),
    `title=${property(code)}`,
  ];
  return `::${severity} ${properties.join(',')}::${data(help === undefined ? message : `${message}\nhelp: ${help}`)}`;
}

/** The command's own escapes; anything else would end the line and start another command. */
function data(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
}

function property(text: string): string {
  return data(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
}
