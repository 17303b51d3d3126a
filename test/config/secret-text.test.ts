import { expect, test } from 'vitest';
import { joined, masked } from '../../src/config/secret-text.js';
import { frame } from '../../src/diagnostics/frame.js';
import { renderGitHub } from '../../src/diagnostics/github.js';
import { renderHuman, toJson } from '../../src/diagnostics/render.js';
import { readFiles, rsyncPackage, siteWith } from './read.js';

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

test.each([
  ['a source with a blank behind it', { settings: { src: 'u:hunter2@h::m ' } }],
  ['a source with a blank before it', { settings: { src: ' u:hunter2@h::m' } }],
  ['an item of sources', { settings: { src: ['rsync://h/m', '\tu:hunter2@h::m'] } }],
  ['a proxy', { network: { proxy: 'u:hunter2@p:1 ' } }],
  ['a user', { settings: { options: { user: 'u:hunter2' } } }],
  ['a user of an unknown key', { settings: { options: { rsyncuser: 'u:hunter2' } } }],
])(
  'no view shows a password without a scheme: %s',
  (_, { settings = {}, ...extra }: Record<string, object>) => {
    const text = siteWith(rsyncPackage('debian', extra, settings));
    const { diagnostics } = readFiles({ 'config.json': text.replaceAll(/\n\s*/g, ' ') });
    expect(diagnostics).not.toEqual([]);
    const views = [
      renderHuman(diagnostics, { color: false }),
      JSON.stringify(toJson(diagnostics)),
      renderGitHub(diagnostics, '/'),
    ];
    for (const view of views) expect(view).not.toContain('hunter2');
  },
);

test('places before, in and behind hidden ranges, also of ranges that overlap or leave the piece', () => {
  const ranges = joined([
    [111, 300],
    [90, 95],
    [102, 105],
    [103, 107],
    [109, 110],
  ]);
  const { text, place } = masked('ab12345cd6ef', 100, ranges);
  expect(text).toBe('ab********cd********e********');
  expect([0, 2, 4, 7, 9, 10, 12].map(place)).toEqual([0, 2, 10, 10, 12, 20, 29]);
});
