/** Whole numbers in [0, below), the same ones for the same seed (mulberry32). */
export type Random = (below: number) => number;

export function random(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** What people and broken tools put into configs, as JSON text. */
const VALUES = [
  ...[
    'null',
    'true',
    'false',
    '0',
    '-1',
    '1.5',
    '1e999',
    '1e-7',
    '99999999999999999999',
    '[]',
    '{}',
    '[[]]',
    '""',
  ],
  ...[
    '" "',
    '"x"',
    '"\\u0000"',
    '"a\\nb"',
    '"é\\ud800"',
    '"PT0S"',
    '"PT5M"',
    '"P1Y"',
    '"PT1H"',
    '"PUSH"',
    '"%n%%$HOME"',
  ],
  ...[
    '"/"',
    '"/srv/ftp"',
    '"/srv/ftp/../etc"',
    '"//srv//ftp/x/"',
    '"relative"',
    '"rsync://u:hunter2@h/m"',
    '"-e"',
  ],
  ...[
    '"rsync"',
    '"local"',
    '"command"',
    '"ftpsync"',
    '"root"',
    '"strict"',
    '"off"',
    '"50%"',
    '"1T"',
    '"00:00-24:00"',
  ],
  ...[
    '"* * * * *"',
    '"0 0 30 2 *"',
    '{"append":["a"]}',
    '{"append":[]}',
    '{"append":1}',
    '{"file":"x"}',
    '["a","a"]',
  ],
  ...[
    '"--exclude=\'x\'"',
    '{"password":"hunter2"}',
    '{"__proto__":{"x":1}}',
    '{"toString":1}',
    `"${'x'.repeat(5000)}"`,
  ],
];

const KEYS = [
  ...[
    'settings',
    'id',
    'name',
    'dst',
    'src',
    'options',
    'password',
    'retry',
    'guard',
    'env',
    'use',
    'window',
    'hosts',
  ],
  ...[
    'schedule',
    'synctime',
    'phase',
    'precheck',
    '_note',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'unknown',
    '',
  ],
];

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '//',
  '/*',
  '*/',
  '\n',
  '\u0000',
  '\u2028',
  '\ufeff',
  'é',
  '😀',
];

/** One to four changes: mostly whole values and keys, so that what comes out is still JSON; sometimes single characters. */
export function mutate(text: string, next: Random): string {
  let mutated = text;
  for (let i = next(4); i >= 0; i -= 1) mutated = mutateOnce(mutated, next);
  return mutated;
}

function mutateOnce(text: string, next: Random): string {
  const kind = next(20);
  if (kind < 10)
    return replaceToken(
      text,
      next,
      /(?<=:\s*|\[\s*|,\s*)("(?:[^"\\\n]|\\.)*"(?!\s*:)|-?\d+(?:\.\d+)?|true|false)/g,
      VALUES,
    );
  if (kind < 13)
    return replaceToken(
      text,
      next,
      /"(?:[^"\\\n]|\\.)*"(?=\s*:)/g,
      KEYS.map((key) => JSON.stringify(key)),
    );
  if (kind < 16) return addMember(text, next);
  if (kind < 18) return removeLine(text, next);
  const at = next(text.length);
  return text.slice(0, at) + (PIECES[next(PIECES.length)] ?? '') + text.slice(at + next(3));
}

function replaceToken(text: string, next: Random, pattern: RegExp, by: readonly string[]): string {
  const tokens = [...text.matchAll(pattern)];
  const token = tokens[next(Math.max(1, tokens.length))];
  if (!token) return text;
  // Half of the time a value from elsewhere in the same config: right in itself, in the wrong place.
  const other = next(2) === 0 ? tokens[next(tokens.length)]?.[0] : by[next(by.length)];
  return text.slice(0, token.index) + (other ?? '""') + text.slice(token.index + token[0].length);
}

function addMember(text: string, next: Random): string {
  const places = [...text.matchAll(/\{/g)];
  const at = (places[next(Math.max(1, places.length))]?.index ?? 0) + 1;
  const key = JSON.stringify(KEYS[next(KEYS.length)]);
  return `${text.slice(0, at)} ${key}: ${VALUES[next(VALUES.length)] ?? '0'},${text.slice(at)}`;
}

function removeLine(text: string, next: Random): string {
  const lines = text.split('\n');
  lines.splice(next(lines.length), 1 + next(2));
  return lines.join('\n');
}
