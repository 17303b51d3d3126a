import type { ErrorObject, ValidateFunction } from 'ajv';
import packageSchema from '../../schemas/package.schema.json' with { type: 'json' };
import siteSchema from '../../schemas/site.schema.json' with { type: 'json' };
import { knownSchemas } from './ajv.js';
import type { JsonSchema } from './json-schema.js';
import { methodSchemas } from './schemas.generated.js';
import { pkg, site } from './validators.js';

/** Checks values against the schemas; every mistake of a value at once. */
export interface Schemas {
  /** The main file; its packages are left to `package`. */
  site(value: unknown): readonly ErrorObject[];
  /** One package with everything it inherits. */
  package(value: unknown): readonly ErrorObject[];
  /** A part of `defaults`: a package in which nothing is required; `synctype` as far as it is known. */
  defaults(value: unknown, synctype: string | null): readonly ErrorObject[];
}

/** Keys of a package that cannot be inherited: they say which package it is. */
const OWN_KEYS = ['id', 'use', 'renamed_from'];

const partial = new Map<string | null, ValidateFunction>();

/** Those for `defaults` are compiled when a config has some. */
export const schemas: Schemas = {
  site: (value) => run(site, value),
  package: (value) => run(pkg, value),
  defaults: (value, synctype) => {
    let validate = partial.get(synctype);
    if (!validate) {
      validate = knownSchemas().compile(defaultsSchema(synctype));
      partial.set(synctype, validate);
    }
    return run(validate, value);
  },
};

/** Known keys by where they belong, for "this key belongs there". Ignored keys are not among them. */
export function keysOf(place: 'site' | 'settings' | 'package' | 'package-settings'): readonly string[] {
  const schema: Record<typeof place, JsonSchema> = {
    site: siteSchema,
    settings: siteSchema.properties.settings,
    package: packageSchema,
    'package-settings': packageSchema.properties.settings,
  };
  return current(schema[place]);
}

/** Whether some method has an option of this name. */
export function isOption(key: string): boolean {
  return [...methodSchemas.values()].some((schema) => current(schema).includes(key));
}

/** Every `synctype` that is accepted. */
export function methodNames(): readonly string[] {
  return packageSchema.oneOf.map(({ properties: { synctype } }) => synctype.const);
}

function current(schema: JsonSchema): string[] {
  return Object.entries(schema.properties ?? {})
    .filter(([, property]) => property.deprecated !== true)
    .map(([key]) => key);
}

/** Mistakes of one value that are reported: to compare them with each other takes the square of their number. */
const MAX_ERRORS = 1000;

function run(validate: ValidateFunction, value: unknown): readonly ErrorObject[] {
  return validate(value) ? [] : (validate.errors ?? []).slice(0, MAX_ERRORS);
}

/**
 * The package schema with nothing required. For `defaults.synctype.X` the options are X's; elsewhere they may be any
 * method's, and are checked where a package takes them.
 */
function defaultsSchema(synctype: string | null): JsonSchema {
  const schema = optional(without(packageSchema as JsonSchema, ['oneOf', 'discriminator', '$id']));
  const properties = without(schema.properties ?? {}, OWN_KEYS);
  const method = synctype === null ? undefined : methodSchemas.get(synctype);
  const { settings, synctype: tag } = properties;
  if (!method || !settings || synctype === null) return { ...schema, properties };
  // Moved out of its file, the schema's references start one directory higher.
  const text = JSON.stringify(optional(without(method, ['$id']))).replaceAll('"../', '"');
  const options = JSON.parse(text) as JsonSchema;
  const own = { ...settings, properties: { ...settings.properties, options } };
  // What is for one method is for no other.
  const same = { ...tag, enum: [synctype] };
  return { ...schema, properties: { ...properties, synctype: same, settings: own } };
}

/** Without `required`, also in the objects inside; items of lists are whole and stay as they are. */
function optional(schema: JsonSchema): JsonSchema {
  const rest: JsonSchema = without(schema, ['required']);
  if (!rest.properties) return rest;
  const properties = Object.entries(rest.properties).map(
    ([key, property]) => [key, optional(property)] as const,
  );
  return { ...rest, properties: Object.fromEntries(properties) };
}

function without<T>(record: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}
