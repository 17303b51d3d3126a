import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { giveTo, giveTreesTo, openToGroup, setMode, type Place } from '../../src/boundary/advice.js';

const SRC = join(import.meta.dirname, '../../src');
const STEADY: Place = { path: '/var/www/mirror', isSteady: true, uid: 0, gid: 0 };
const FOREIGN: Place = { path: '/var/lib/mirror/a b', isSteady: false, uid: 104, gid: 111 };

test('root changes owner and mode only of what no other user can replace', () => {
  expect(giveTo(STEADY, 'mirror:mirror')).toBe('chown -h mirror:mirror -- /var/www/mirror');
  expect(setMode(STEADY, '600')).toBe('chmod 600 -- /var/www/mirror');
  expect(openToGroup(STEADY, 'mirror')).toBe(
    'chgrp -h mirror -- /var/www/mirror && chmod g+rwxs -- /var/www/mirror',
  );
});

test('the owner changes what other users could replace, or it is moved away and made again', () => {
  const moved = "mv -T -- '/var/lib/mirror/a b' '/var/lib/mirror/a b.old' && mirror setup";
  const asOwner = 'setpriv --reuid=104 --regid=111 --clear-groups -- ';
  expect(giveTo(FOREIGN, 'mirror')).toBe(moved);
  expect(setMode(FOREIGN, '600')).toBe(`${asOwner}chmod 600 -- '/var/lib/mirror/a b'`);
  expect(openToGroup(FOREIGN, 111)).toContain(`${asOwner}sh -c 'chgrp -h 111 -- `);
  for (const advice of [setMode({ ...FOREIGN, uid: 0 }, '600'), openToGroup({ ...FOREIGN, uid: 0 }, 111)])
    expect(advice).toBe(moved);
});

test('of a tree root gives away what belongs to one user, and follows no link', () => {
  const places = [FOREIGN, STEADY, { ...FOREIGN, path: '/srv/b' }];
  expect(giveTreesTo(places, 'm:m')).toBe(
    "chown -hR --from=104 m:m -- '/var/lib/mirror/a b' /srv/b && chown -hR --from=0 m:m -- /var/www/mirror",
  );
  expect(giveTreesTo([{ ...FOREIGN, path: '/srv/b', uid: 0 }], 'm:m')).toBe(
    'mv -T -- /srv/b /srv/b.old && mirror setup',
  );
});

test('no other file writes such a command for a person', () => {
  const commands =
    /\b(?:chown|chgrp|chmod|find) (?:-[a-zA-Z]|\$\{|\d{3}|[ugo]*[=+]|\/)|\bmv (?!-T -- )|\bmv -T -- /;
  const found = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => !['boundary/advice.ts', 'job/move-away.ts'].includes(file))
    .flatMap((file) =>
      readFileSync(join(SRC, file), 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line) && commands.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
  expect(found).toEqual([]);
});
