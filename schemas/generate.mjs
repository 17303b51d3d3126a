// Keeps what follows from schemas/methods current: the `oneOf` of package.schema.json, the list of schemas for ajv, and
// the types of the config and of methods' options. Adding a method is adding its schema and running this. `--check`
// writes nothing and exits 1 when a file is out of date.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import prettier from 'prettier';

const schemas = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

const methods = readdirSync(`${schemas}methods`)
  .map((file) => basename(file, '.schema.json'))
  .sort();
const common = read('common.schema.json').definitions;
const packages = packageSchema();
const outputs = {
  'schemas/package.schema.json': await format(JSON.stringify(packages), 'json'),
  'src/config/schemas.generated.ts': await schemaList(),
  'src/config/types.generated.ts': await types(),
};
const stale = Object.entries(outputs).filter(([file, text]) => text !== current(file));
if (process.argv.includes('--check')) {
  for (const [file] of stale) console.error(`${file} is out of date: npm run generate`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [file, text] of stale) writeFileSync(root + file, text);
}

function packageSchema() {
  const schema = read('package.schema.json');
  schema.oneOf = methods.map(methodBranch);
  return schema;
}

function methodBranch(name) {
  const options = { $ref: `methods/${name}.schema.json` };
  const required = read(`methods/${name}.schema.json`).required ? { required: ['options'] } : {};
  return {
    title: `package synced by ${name}`,
    properties: { synctype: { const: name }, settings: { properties: { options }, ...required } },
  };
}

function schemaList() {
  const variable = (name) => `${name.replace(/\W(.)/g, (_, letter) => letter.toUpperCase())}Method`;
  const imports = methods.map(
    (name) =>
      `import ${variable(name)} from '../../schemas/methods/${name}.schema.json' with { type: 'json' };`,
  );
  const rows = methods.map((name) => `  [${JSON.stringify(name)}, ${variable(name)}],`);
  return format(
    `// Written by \`npm run generate\`.
    import type { JsonSchema } from './json-schema.js';
    ${imports.join('\n')}

    /** Schema of each sync method's options. */
    export const methodSchemas: ReadonlyMap<string, JsonSchema> = new Map<string, JsonSchema>([
    ${rows.join('\n')}
    ]);`,
    'typescript',
  );
}

function types() {
  const file = { order: 1, canRead: true, read: ({ url }) => JSON.stringify(forTypes(schemaAt(url))) };
  const site = { ...read('site.schema.json'), definitions: { methodOptions: methodOptions() } };
  return compile(forTypes(site), 'SiteConfig', {
    cwd: schemas,
    unreachableDefinitions: true,
    $refOptions: { resolve: { file } },
    bannerComment: '/* Written by `npm run generate` from schemas/. */',
    additionalProperties: true,
    style: { singleQuote: true, printWidth: 110 },
  });
}

function methodOptions() {
  const properties = Object.fromEntries(
    methods.map((name) => [name, { $ref: `methods/${name}.schema.json` }]),
  );
  return {
    title: 'MethodOptions',
    description: 'The options of each method as it reads them: those that have a default are there.',
    type: 'object',
    properties,
    required: methods,
    additionalProperties: false,
  };
}

/** Methods find every default filled in; users need not write any, so the config's types say nothing of options. */
function schemaAt(url) {
  const path = (url.startsWith('file:') ? fileURLToPath(url) : url).slice(schemas.length);
  const { oneOf, ...schema } = read(path);
  if (!path.startsWith('methods/')) return schema;
  const filled = Object.keys(schema.properties ?? {}).filter((key) => 'default' in schema.properties[key]);
  return { ...schema, required: [...(schema.required ?? []), ...filled] };
}

/**
 * The schema as types need it: without notes (an index signature would let every misspelt key pass the type check),
 * with names for objects only, and one type for each shared object.
 */
function forTypes(value) {
  if (Array.isArray(value)) return value.map(forTypes);
  if (typeof value !== 'object' || value === null) return value;
  const shared = /^(?:\.\.\/)?common\.schema\.json#\/definitions\/(.*)$/.exec(value.$ref ?? '')?.[1];
  if (shared !== undefined && common[shared].type === 'object') return { $ref: value.$ref };
  const { '^_': note, ...patterns } = value.patternProperties ?? {};
  const rest = { ...value };
  if (note !== undefined) rest.patternProperties = patterns;
  if (note !== undefined && Object.keys(patterns).length === 0) delete rest.patternProperties;
  if (typeof value.title === 'string' && value.type !== 'object' && !value.properties) delete rest.title;
  return Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, forTypes(inner)]));
}

async function format(text, parser) {
  return prettier.format(text, { ...(await prettier.resolveConfig(`${root}package.json`)), parser });
}

function read(file) {
  return JSON.parse(readFileSync(schemas + file, 'utf8'));
}

function current(file) {
  try {
    return readFileSync(root + file, 'utf8');
  } catch {
    return null;
  }
}
