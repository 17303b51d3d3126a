import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { LEGACY_OPTIONS, LEGACY_PACKAGE, LEGACY_TOP } from '../../src/config/rules/legacy.js';
import type { JsonSchema } from '../../src/config/json-schema.js';
import { methodNames, schemas as validators } from '../../src/config/schema.js';
import { methodSchemas } from '../../src/config/schemas.generated.js';
import { ID } from '../../src/job/job.js';
import { methods } from '../../src/methods/index.js';

const directory = fileURLToPath(new URL('../../schemas', import.meta.url));
const files = readdirSync(directory, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.json'));
const schemas = files.map((file) => [file, read(file)] as const);

function read(file: string): JsonSchema {
  return JSON.parse(readFileSync(`${directory}/${file}`, 'utf8')) as JsonSchema;
}

/** Every schema inside a schema, with its path. */
function inside(schema: unknown, path: string): [string, JsonSchema][] {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return [];
  const { properties, patternProperties, definitions } = schema as Record<
    string,
    Record<string, unknown> | undefined
  >;
  const named = [properties, patternProperties, definitions].flatMap((group) => Object.entries(group ?? {}));
  return named.flatMap(([key, value]) => [
    [`${path}/${key}`, value as JsonSchema] as [string, JsonSchema],
    ...inside(value, `${path}/${key}`),
    ...inside((value as JsonSchema).items, `${path}/${key}/items`),
  ]);
}

describe('the schemas', () => {
  test.each(schemas)('%s is draft-07, named by its path, and closed', (file, schema) => {
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect(schema.$id).toBe(file);
    expect(new Ajv({ strict: false }).validateSchema(schema)).toBe(true);
    for (const [path, { properties, additionalProperties }] of [
      ['', schema] as const,
      ...inside(schema, ''),
    ]) {
      if (properties) expect(additionalProperties, `${file}${path}`).toBe(false);
    }
  });

  test.each(schemas)('every property of %s has a description', (file, schema) => {
    for (const [path, property] of inside(schema, '')) {
      const described = property.description !== undefined || path.endsWith('/^_');
      expect(described, `${file}${path}`).toBe(true);
    }
  });

  test.each(schemas)('notes are allowed wherever %s names keys', (file, schema) => {
    for (const [path, { properties, patternProperties }] of [['', schema] as const, ...inside(schema, '')]) {
      if (properties) expect(Object.keys(patternProperties ?? {}), `${file}${path}`).toContain('^_');
    }
  });

  test('what is generated from them is current', () => {
    const script = `${directory}/generate.mjs`;
    expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
  });

  test('every method has a schema of its options, and every schema a method', () => {
    expect([...methodSchemas.keys()].sort()).toEqual([...methods.keys()].sort());
    expect(methodNames()).toEqual(expect.arrayContaining([...methods.keys()]));
    expect(methodNames()).toEqual(
      expect.arrayContaining(['ftpsync', 'lftp', 'bandersnatch', 'ubuntu', 'jigdo']),
    );
  });

  test('an id is what starters, executors and units take for one', () => {
    const { definitions } = read('common.schema.json') as { definitions: { id: JsonSchema } };
    expect(definitions.id.pattern).toBe(ID.source);
  });

  test('every ignored key has a warning that says what to do', () => {
    const deprecated = (schema: JsonSchema | undefined): string[] =>
      Object.entries(schema?.properties ?? {})
        .filter(([, property]) => property.deprecated === true)
        .map(([key]) => key)
        .sort();
    const keys = (list: readonly { key: string }[]): string[] => list.map(({ key }) => key).sort();
    expect(keys(LEGACY_TOP)).toEqual(deprecated(read('site.schema.json')));
    expect(keys(LEGACY_PACKAGE)).toEqual(deprecated(read('package.schema.json')));
    for (const [name, schema] of methodSchemas)
      expect(keys(LEGACY_OPTIONS[name] ?? [])).toEqual(deprecated(schema));
  });

  test('defaults and examples are valid themselves', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, schemas: schemas.map(([, schema]) => schema) });
    for (const [file, schema] of schemas) {
      for (const [path, property] of inside(schema, '')) {
        const examples = [...(property.examples ?? []), ...('default' in property ? [property.default] : [])];
        const { $ref } = property;
        // Relative to the file, as the schema itself has it.
        const at =
          $ref === undefined
            ? property
            : { $ref: new URL($ref, `file:///${file}`).href.slice('file:///'.length) };
        const plain = JSON.parse(
          JSON.stringify(at).replaceAll('"../', '"').replaceAll('"#/', '"common.schema.json#/'),
        ) as object;
        for (const example of examples) expect(ajv.validate(plain, example), `${file}${path}`).toBe(true);
      }
    }
  });

  test('one wrong option is one error, not one for each method', () => {
    const value = { synctype: 'rsync', settings: { dst: '/srv/x', options: { bwlimit: 5, unknown: 1 } } };
    expect(validators.package(value)).toHaveLength(2);
  });
});
