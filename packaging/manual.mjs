// Fills packaging/*.in into man pages: the commands of mirror(8) come from the yargs table, the keys of mirror.json(5) from
// the schemas, so neither can fall behind the program.
// Usage: manual.mjs DIRECTORY
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { precompiledTemplates } from '../templates/precompile.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
const here = join(project, 'packaging');

/** Writes mirror.8 and mirror.json.5 into a directory, with `date` (a Date) as theirs. */
export async function writeManual(directory, date) {
  mkdirSync(directory, { recursive: true });
  const page = (name, parts) => {
    const text = readFileSync(join(here, `${name}.in`), 'utf8').replace(
      /^@(\w+)@\n/gm,
      (_, part) => parts[part],
    );
    const month = date.toLocaleString('en', { month: 'long', timeZone: 'UTC' });
    const day = `${month} ${date.getUTCDate()}, ${date.getUTCFullYear()}`;
    const filled = text.replaceAll('@date@', day);
    writeFileSync(join(directory, name), filled.replace(/^[^.\n].{80,}$/gm, wrap));
  };
  page('mirror.8', await commandParts());
  page('mirror.json.5', keyParts());
}

/** The yargs table, told by a parser that only writes down what it is given. */
async function commandParts() {
  const scratch = mkdtempSync(join(project, 'node_modules/.manual-'));
  try {
    const outfile = join(scratch, 'commands.mjs');
    const contents =
      "export { commands } from './src/commands/index.ts'; export { globalOptions } from './src/commands/options.ts';";
    await build({
      stdin: { contents, resolveDir: project, loader: 'ts' },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      plugins: [precompiledTemplates],
      logLevel: 'warning',
    });
    const { commands, globalOptions } = await import(pathToFileURL(outfile).href);
    return {
      global: options(record(globalOptions).options),
      commands: commands
        .filter(({ describe }) => describe)
        .map(commandText)
        .join(''),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function record(builder) {
  const seen = { options: [], positionals: [], examples: [] };
  const parser = new Proxy(
    {
      option: (name, spec) => (seen.options.push([name, spec]), parser),
      positional: (name, spec) => (seen.positionals.push([name, spec]), parser),
      example: (line, about) => (seen.examples.push([line, about]), parser),
    },
    { get: (known, name) => known[name] ?? (() => parser) },
  );
  builder?.(parser);
  return seen;
}

function commandText({ command, describe, builder }) {
  const { options: flags, positionals, examples } = record(builder);
  const [name, ...words] = [command].flat()[0].split(' ');
  const plain = words.map(
    (word) => `Ar ${word.replace(/[<>[\].]/g, '')}${word.includes('..') ? ' ...' : ''}`,
  );
  const args = plain.map((arg, i) => (words[i].startsWith('[') ? `Op ${arg}` : arg));
  const shown = flags.filter(([, spec]) => !spec.hidden);
  const list = [...positionals.map(([id, spec]) => item(`Ar ${id}`, spec)), ...shown.map(optionItem)].join(
    '',
  );
  return [
    `.Ss ${name}\n`,
    `.Nm mirror Cm ${[name, ...args].join(' ')}\n.Pp\n`,
    `${sentences(describe)}\n`,
    list === '' ? '' : `.Bl -tag -width Ds\n${list}.El\n`,
    ...examples.map(
      ([line, about]) => `.Pp\n${quote(capital(about))}:\n.Dl ${quote(line.replaceAll('$0', 'mirror'))}\n`,
    ),
  ].join('');
}

function options(flags) {
  return flags.map(optionItem).join('');
}

function optionItem([name, spec]) {
  const short = spec.alias === undefined ? '' : `Fl ${spec.alias} , `;
  const value = spec.type === 'boolean' ? '' : ` Ar ${spec.type === 'number' ? 'N' : 'value'}`;
  return item(`${short}Fl Fl ${name}${value}`, spec);
}

function item(head, { describe = '' }) {
  return `.It ${head}\n${sentences(describe)}\n`;
}

/** Keys with their descriptions, types and defaults, from the schemas. */
function keyParts() {
  const schemas = join(project, 'schemas');
  const read = (name) => JSON.parse(readFileSync(join(schemas, name), 'utf8'));
  const [site, pkg] = [read('site.schema.json'), read('package.schema.json')];
  const common = read('common.schema.json').definitions;
  const resolve = (schema) => {
    const name = /^(?:common\.schema\.json)?#\/definitions\/(\w+)$/.exec(schema.$ref ?? '')?.[1];
    if (name === undefined) return schema;
    // A definition's example is of some other key.
    return { ...resolve(common[name]), examples: undefined, ...schema, $ref: undefined };
  };
  const keys = (schema, prefix = '') =>
    Object.entries(schema.properties ?? {}).flatMap(([name, raw]) => {
      const value = resolve(raw);
      return [keyItem(prefix + name, value), ...keys(value, `${prefix}${name}.`)];
    });
  const without = (schema, names) => ({
    properties: Object.fromEntries(
      Object.entries(schema.properties).filter(([name]) => !names.includes(name)),
    ),
  });
  const methods = pkg.oneOf.flatMap(({ properties: { synctype, settings } }) =>
    synctype.const === undefined ? [] : [[synctype.const, read(settings.properties.options.$ref)]],
  );
  return {
    site: keys(without(site, ['settings', '$schema'])).join(''),
    settings: keys(resolve(site.properties.settings)).join(''),
    package: keys(pkg).join(''),
    methods: methods
      .map(
        ([name, schema]) => `.Ss Options of ${name}\n${sentences(schema.description)}\n${list(keys(schema))}`,
      )
      .join(''),
  };
}

function list(items) {
  return items.length === 0 ? '' : `.Bl -tag -width Ds\n${items.join('')}.El\n`;
}

function keyItem(name, schema) {
  const { description = '', default: standard, enum: values, examples } = schema;
  const notes = [
    values === undefined ? '' : `One of ${values.map((value) => JSON.stringify(value)).join(', ')}.`,
    standard === undefined ? '' : `Default: ${JSON.stringify(standard)}.`,
    examples === undefined ? '' : `Example: ${JSON.stringify(examples[0])}.`,
  ];
  return `.It Cm ${quote(name)}\n${sentences([description, ...notes].filter(Boolean).join('\n'))}\n`;
}

/** Text as mdoc lines: one sentence a line, a full stop at the end, nothing that mdoc would take for a macro. */
function sentences(text) {
  const ended = /[.:]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`;
  return ended
    .replace(/`/g, '"')
    .split(/\n|(?<=[.:;]) (?=[A-Z])/)
    .map((line) => quote(capital(line)))
    .join('\n');
}

function capital(text) {
  const isName = /^[a-z]+\.[a-z]/.test(text);
  return isName ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/** Escapes what roff would read: backslashes, quotes at word ends, a dot or quote at the beginning, hyphens of options. */
function quote(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('"', '\\(dq')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
    .replaceAll('…', '...')
    .replaceAll('≥', '>=')
    .replaceAll('×', 'x');
}

/** A long line of text as several: where the source breaks means nothing to roff, but mandoc's lint wants short ones. */
function wrap(line) {
  const lines = [''];
  for (const word of line.split(' ')) {
    const at = lines.length - 1;
    if (lines[at] === '') lines[at] = word;
    else if (lines[at].length + word.length < 79) lines[at] += ` ${word}`;
    else lines.push(word.replace(/^[.']/, '\\&$&'));
  }
  return lines.join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeManual(process.argv[2] ?? '.', new Date());
