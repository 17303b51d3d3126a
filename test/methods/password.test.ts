import { expect, test } from 'vitest';
import { hearsPassword } from '../../src/methods/password.js';
import { methods } from '../../src/methods/index.js';
import type { Package } from '../../src/model/site.js';
import { context, pkg, source } from '../compile/site.js';

const FIRST = 'rsync://up.example.org/debian';

/** Which of the sources are told the password. */
function told(urls: readonly string[], change: Partial<Package> = {}): string[] {
  const sources = urls.map((url) => source(url));
  const debian = pkg('debian', { sources, password: { file: '/etc/mirror/secrets/x' }, ...change });
  return sources.filter((each) => hearsPassword(debian, each)).map(({ url }) => url);
}

test('a password is the first source’s: a fallback of somebody else’s never hears it', () => {
  const options = { user: 'me' };
  expect(told([FIRST, 'rsync://other.example.net/debian'], { options })).toEqual([FIRST]);
  expect(told([FIRST, 'rsync://up.example.org/old'], { options })).toEqual([
    FIRST,
    'rsync://up.example.org/old',
  ]);
  const named = [
    'rsync://me@other.example.net/x',
    'rsync://you@other.example.net/x',
    'me@third.example.net::x',
  ];
  expect(told([FIRST, ...named], { options })).toEqual([FIRST, named[0], named[2]]);
  const encoded = 'https://m%65@other.example.net/x';
  expect(told(['https://up.example.org/debian', encoded], { options })).toContain(encoded);
  expect(told(['rsync://me@up.example.org/x', ...named])).toEqual([
    'rsync://me@up.example.org/x',
    named[0],
    named[2],
  ]);
});

test('one that stood in a fallback’s URL is that fallback’s', () => {
  const theirs = 'rsync://me@other.example.net/debian';
  expect(told([FIRST, theirs], { password: { literal: 'hunter2', source: 1 } })).toEqual([theirs]);
});

test('rsync is given it on stdin for those sources only', () => {
  const sources = [source(FIRST), source('rsync://other.example.net/debian')];
  const debian = pkg('debian', { sources, password: { file: '/etc/mirror/secrets/x' } });
  const asks = sources.map((each) =>
    JSON.stringify(methods.get('rsync')?.steps(debian, context(each))).includes('--password-file=-'),
  );
  expect(asks).toEqual([true, false]);
});
