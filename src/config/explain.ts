import type { ErrorObject } from 'ajv';
import type { Finding } from '../diagnostics/diagnostic.js';
import { findUnsafe } from '../job/plain-text.js';
import { nearest } from '../diagnostics/suggest.js';
import type { JsonSchema } from './json-schema.js';
import { escapeSegment, parent, segments } from './pointer.js';
import { isOption, keysOf } from './schema.js';
import { HIDDEN, isSecretKey, shownValue } from './secret-text.js';

/** What is wrong with a value, at a pointer relative to the validated value. */
export interface ValueFinding extends Omit<Finding, 'place'> {
  readonly at: string;
  readonly target: 'key' | 'value';
  /** True for an unknown key: everything else about the value can still be trusted. */
  readonly harmless: boolean;
  /** What an unknown key was probably meant to be. */
  readonly guess?: string;
  readonly missing?: string;
  /** Another finding says the same: not to be reported, but the value cannot be used either. */
  readonly said?: true;
}

/** What kind of value was validated; decides where a misplaced key belongs. */
export type Subject = 'site' | 'package' | 'defaults';

/** The patterns of free text and paths end here, as paths do (PATH_MAX). */
const LONGEST = 4096;

type Explanation = Pick<ValueFinding, 'code' | 'message'> & Partial<ValueFinding>;

/** ajv's errors in words: one for each mistake. */
export function explainErrors(errors: readonly ErrorObject[], subject: Subject): ValueFinding[] {
  const findings = errors.flatMap((error): ValueFinding[] => {
    const explanation = explain(error, subject);
    if (!explanation) return [];
    return [{ severity: 'error', at: error.instancePath, target: 'value', harmless: false, ...explanation }];
  });
  return findings.map((finding) => (isMisspelt(finding, findings) ? { ...finding, said: true } : finding));
}

/** Whether a missing key is there after all, misspelt: one mistake, one report. */
function isMisspelt(missing: ValueFinding, findings: readonly ValueFinding[]): boolean {
  return findings.some(
    ({ at, guess }) =>
      guess !== undefined &&
      missing.code === 'missing-key' &&
      missing.missing === guess &&
      parent(at) === missing.at,
  );
}

function explain(error: ErrorObject, subject: Subject): Explanation | null {
  const params = error.params as Record<string, unknown>;
  const schema = (error.parentSchema ?? {}) as JsonSchema;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(String(params.additionalProperty), error.instancePath, schema, subject);
    case 'required':
      return missingKey(String(params.missingProperty), schema);
    case 'type':
      return {
        code: 'wrong-type',
        message: `expected ${expected(params.type)}, but this is ${kindOf(error.data, error.instancePath)}`,
      };
    case 'enum':
      // `type` reports anything but text.
      if (typeof error.data !== 'string') return null;
      return oneOf(error, schema.enum as string[], 'bad-value', 'is not one of');
    case 'discriminator':
      // Anything but a string, and no value at all, are reported by the keywords above.
      return params.error === 'mapping' ? unknownMethod(error, schema) : null;
    case 'pattern':
      return pattern(error, schema);
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
      return range(error, schema);
    case 'minLength':
      return { code: 'empty-value', message: 'the text is empty' };
    case 'minItems':
      return { code: 'empty-value', message: 'the list is empty' };
    default:
      return { code: 'bad-value', message: `the value fails the schema's \`${error.keyword}\`` };
  }
}

function unknownKey(key: string, at: string, schema: JsonSchema, subject: Subject): Explanation {
  const known = Object.entries(schema.properties ?? {}).filter(
    ([, property]) => property.deprecated !== true,
  );
  const home = homeOf(key, at, subject);
  const guess = nearest(
    key,
    known.map(([name]) => name),
  );
  const help =
    home !== null
      ? `\`${key}\` belongs ${home}`
      : guess !== null
        ? `did you mean \`${guess}\`?`
        : otherKeys(
            known.map(([name]) => name),
            schema,
          );
  return {
    code: 'unknown-key',
    message: `unknown key \`${clip(key)}\``,
    help,
    at: `${at}/${escapeSegment(key)}`,
    target: 'key',
    harmless: true,
    ...(home === null && guess !== null ? { guess } : {}),
  };
}

/** Help for a key that resembles none: what could be meant, where that is little enough to say. */
function otherKeys(known: readonly string[], schema: JsonSchema): string {
  if (known.length > 0 && known.length <= 8)
    return `known here: ${known.map((name) => `\`${name}\``).join(', ')}`;
  const isMap = Object.keys(schema.patternProperties ?? {}).some((pattern) => pattern !== '^_');
  if (isMap && schema.description !== undefined) return lowerFirst(schema.description.replace(/\.$/, ''));
  return 'remove it, or start its name with `_` to keep it as a note';
}

/** Where a key that is unknown here is known, in words. */
function homeOf(key: string, at: string, subject: Subject): string | null {
  if (subject === 'site') {
    if (at !== '/settings' && keysOf('settings').includes(key)) return 'in `settings`';
    if (at !== '' && keysOf('site').includes(key)) return 'at the top of the config';
    return null;
  }
  if (at !== '' && keysOf('package').includes(key)) return 'at the top of the package';
  if (at !== '/settings' && keysOf('package-settings').includes(key)) return "in the package's `settings`";
  if (at !== '/settings/options' && isOption(key)) {
    return "in the package's `settings.options`";
  }
  if (at === '' && keysOf('settings').includes(key))
    return "in the site's `settings`: it is for all packages";
  return null;
}

function missingKey(key: string, schema: JsonSchema): Explanation {
  const property = schema.properties?.[key];
  const description = property?.description;
  return {
    code: 'missing-key',
    message: `\`${key}\` is missing`,
    missing: key,
    target: 'key',
    ...(description === undefined
      ? {}
      : { help: `\`${key}\`: ${lowerFirst(description.replace(/\.$/, ''))}` }),
  };
}

function unknownMethod(error: ErrorObject, schema: JsonSchema): Explanation {
  const tags = (schema.oneOf as JsonSchema[]).flatMap((branch) => {
    const { const: name, enum: names } = branch.properties?.synctype ?? {};
    return (names ?? [name]) as string[];
  });
  const params = error.params as { tagValue?: unknown };
  const explanation = oneOf({ ...error, data: params.tagValue }, tags, 'unknown-method', '');
  return { ...explanation, message: `unknown sync method ${show(params.tagValue, '')}`, at: '/synctype' };
}

function oneOf(error: ErrorObject, values: readonly string[], code: string, relation: string): Explanation {
  const guess = typeof error.data === 'string' ? nearest(error.data, values) : null;
  const list = values.map((value) => `\`${value}\``).join(', ');
  return {
    code,
    message: `${show(error.data, error.instancePath)} ${relation} ${list}`,
    help: guess === null ? `one of ${list}` : `did you mean \`${guess}\`?`,
  };
}

function pattern(error: ErrorObject, schema: JsonSchema): Explanation {
  const value = error.data as string;
  if (value.length > LONGEST)
    return { code: 'too-long', message: `the text is longer than ${LONGEST} characters` };
  const trimmed = value.trim();
  if (trimmed !== value && new RegExp(String(schema.pattern), 'u').test(trimmed)) {
    const message =
      trimmed === '' ? 'there is nothing but white space' : 'there is white space around the value';
    const key = segments(error.instancePath).at(-1) ?? '';
    const help = isSecretKey(key) ? 'remove it' : `write \`${clip(shownValue(key, trimmed))}\``;
    return { code: 'surrounding-space', message, help };
  }
  const noun = schema.title ?? 'value that fits';
  const article = /^([aeio]|rsync)/i.test(noun) ? 'an' : 'a';
  const example = schema.examples?.[0];
  const unsafe = findUnsafe(value);
  const unprintable =
    unsafe === null ? '' : `: its character ${unsafe.index + 1} is ${unsafe.name}, which does not show`;
  return {
    code: 'bad-value',
    message: `${show(value, error.instancePath)} is not ${article} ${noun}${unprintable}`,
    ...(example === undefined ? {} : { help: `for example ${quoted(example)}` }),
  };
}

function range(error: ErrorObject, schema: JsonSchema): Explanation {
  const { minimum, maximum, exclusiveMinimum } = schema as Record<string, number | undefined>;
  const bounds =
    exclusiveMinimum !== undefined
      ? `more than ${exclusiveMinimum}`
      : minimum === maximum
        ? String(minimum)
        : maximum === undefined
          ? `at least ${String(minimum)}`
          : `from ${String(minimum)} to ${maximum}`;
  return {
    code: 'out-of-range',
    message: `${show(error.data, error.instancePath)} is out of range`,
    help: `it must be ${bounds}`,
  };
}

function quoted(example: unknown): string {
  return typeof example === 'string' ? `\`${example}\`` : `\`${JSON.stringify(example)}\``;
}

/** A value for a message; never a secret. */
function show(value: unknown, at: string): string {
  const secret = segments(at).some((segment) => isSecretKey(segment));
  if (secret) return `\`${HIDDEN}\``;
  // Objects may hold anything, secrets too.
  const text =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '…';
  return `\`${clip(shownValue(segments(at).at(-1) ?? '', text))}\``;
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function expected(type: unknown): string {
  const names: Record<string, string> = {
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: '`true` or `false`',
    array: 'a list',
    object: 'an object',
  };
  const types = Array.isArray(type) ? (type as string[]) : String(type).split(',');
  return types.map((name) => names[name] ?? name).join(' or ');
}

/** What a value is, in words: numbers and booleans themselves, unless they are secrets. */
export function kindOf(value: unknown, at: string): string {
  if (value === null) return '`null`';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return 'text';
  return show(value, at);
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
