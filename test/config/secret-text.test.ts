import { expect, test } from 'vitest';
import { masked } from '../../src/config/secret-text.js';
import { frame } from '../../src/diagnostics/frame.js';
import { readFiles } from './read.js';

/** The frames of everything that is said about a package with this password. */
function frames(password: string): string[] {
  const settings =
    '"logfolder": "/l", "webroot": "/w", "statusfile": "/w/s", "statfile": "/v/s", "localtimezone": "UTC"';
  const options = `{ "password": "${password}", "user": 1, "x": "rsync://me:${password}@h/" }`;
  const debian = `{ "synctype": "rsync", "syncrate": "PT6H", "settings": {\n"options": ${options},\n"src": "rsync://h/x", "dst": "/srv/x" } }`;
  const text = `{ "mirrorname": "M", "hostname": "h", "settings": { ${settings} }, "packages": { "debian": ${debian} } }`;
  const { diagnostics } = readFiles({ 'config.json': text });
  return diagnostics.flatMap(({ code, span }) => (span ? [code, ...frame(span)] : []));
}

test('a frame tells not even how long a password is, and still underlines what it means', () => {
  expect(frames('x')).toEqual(frames('correct horse battery staple'.replaceAll(' ', '-')));
  const [code, source = '', marker = ''] = frames('hunter2');
  expect(code).toBe('wrong-type');
  expect(source.slice(marker.indexOf('^'), marker.lastIndexOf('^') + 1)).toBe('1');
});

test('places before, in and behind hidden ranges, also of ranges that overlap or leave the piece', () => {
  const { text, place } = masked('ab12345cd6ef', 100, [
    [90, 95],
    [102, 105],
    [103, 107],
    [109, 110],
    [111, 300],
  ]);
  expect(text).toBe('ab********cd********e********');
  expect([0, 2, 4, 7, 9, 10, 12].map(place)).toEqual([0, 2, 10, 10, 12, 20, 29]);
});
