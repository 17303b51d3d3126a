import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import common from '../../schemas/common.schema.json' with { type: 'json' };
import schema from '../../schemas/methods/bandersnatch.schema.json' with { type: 'json' };
import { confText, holdable } from '../../src/methods/bandersnatch-conf.js';
import { BANDERSNATCH } from '../support/pypi.js';

const PYTHON = join(BANDERSNATCH, 'bin/python');
const WITHOUT = existsSync(PYTHON) ? '' : ' (skipped: no bandersnatch)';

/** Prints what bandersnatch's own class reads from each of the files, without its defaults. */
const READ = `
import json, sys
from bandersnatch.configuration import BandersnatchConfig, Singleton
def parsed(path):
    Singleton._instances.clear()
    conf = BandersnatchConfig(load_defaults=False)
    conf.read(path, encoding="utf-8")
    return {name: dict(conf[name]) for name in conf.sections()}
print(json.dumps([parsed(path) for path in sys.argv[1:]]))
`;

const section = schema.properties.extra.patternProperties['^[a-z][a-z0-9_]{0,99}$'];
const values = section.patternProperties['^[A-Za-z][A-Za-z0-9_.:-]{0,199}$'];
const matching = (pattern: string): ((text: string) => boolean) => {
  const regex = new RegExp(pattern, 'u');
  return (text) => regex.test(text);
};

/** What the schema lets through: all characters, those that mean something to configparser more often. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('%', '%(x)s', '${x}', '=', ':', '#', ';', '[', ']', ' ', '\\', '"'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 30,
});
const value = fc
  .oneof(text, fc.constant('%'.repeat(4000)), fc.constant('[mirror]'))
  .filter(matching(values.pattern));
const item = text.filter(matching(common.definitions.configItem.pattern));
const key = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.:-]{0,20}$/);
const sections = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/),
  fc.dictionary(key, fc.oneof(value, fc.array(item, { minLength: 1, maxLength: 4 }))),
  { noNullPrototype: true },
);

describe.skipIf(WITHOUT !== '')(`a generated bandersnatch.conf${WITHOUT}`, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'mirror-conf-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test('is read by bandersnatch as what was meant, whatever the schema lets through', () => {
    fc.assert(
      fc.property(fc.array(sections, { minLength: 20, maxLength: 60 }), (many) => {
        const paths = many.map((meant, index) => {
          const path = join(scratch, String(index));
          writeFileSync(path, confText(meant));
          return path;
        });
        const read = JSON.parse(
          execFileSync(PYTHON, ['-c', READ, ...paths], { encoding: 'utf8', maxBuffer: 1 << 28 }),
        ) as unknown[];
        const expected = many.map((meant) =>
          Object.fromEntries(
            Object.entries(meant).map(([name, keys]) => [
              name,
              Object.fromEntries(
                Object.entries(keys).map(([at, value]) => [
                  at,
                  typeof value === 'string' ? value : `\n${value.join('\n')}`,
                ]),
              ),
            ]),
          ),
        );
        expect(read).toEqual(expected);
      }),
      { numRuns: 8 },
    );
  });

  test('cannot hold what ends its line or is stripped', () => {
    for (const text of ['a\nb', 'a\rb', ' a', 'a\u0085', 'a\u2028', 'a\u0000'])
      expect(holdable(text)).toBe(false);
    for (const text of ['', '/srv/100%/a b', 'ünï']) expect(holdable(text)).toBe(true);
  });
});
