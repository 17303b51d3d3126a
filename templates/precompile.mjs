// For esbuild and vitest: a template as the function that Handlebars makes of it, which it would otherwise do at every start.
import { readFile } from 'node:fs/promises';
import Handlebars from 'handlebars';

/** How text is made inert, and so no names for fields; the functions themselves are beside each grammar (src/schedulers). */
const QUOTES = ['comment', 'line', 'path', 'plain', 'word'];

// A field that a view forgot throws (strict), text is quoted by the helpers alone (noEscape).
const options = {
  strict: true,
  noEscape: true,
  knownHelpersOnly: true,
  knownHelpers: Object.fromEntries(QUOTES.map((name) => [name, true])),
};

/** The module that stands for a template's file: what `Handlebars.template` takes. Throws for a broken template. */
export function precompiled(source) {
  return `export default ${Handlebars.precompile(source, options)}`;
}

export const precompiledTemplates = {
  name: 'precompiled templates',
  setup: (plugin) =>
    plugin.onLoad({ filter: /\.hbs$/ }, async ({ path }) => ({
      contents: precompiled(await readFile(path, 'utf8')),
      loader: 'js',
    })),
};
