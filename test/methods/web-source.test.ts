import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { methods } from '../../src/methods/index.js';
import type { Package } from '../../src/model/site.js';
import { context, pkg, source } from '../compile/site.js';

const OPTIONS = { dists: ['bookworm'], keys: ['/etc/pki/example.asc'] };

function debian(synctype: string, url: string): Package {
  return pkg('debian', { synctype, sources: [source(url)], options: OPTIONS });
}

/** Text of the file that says who the tool is, without passwords. */
function told(synctype: string, url: string): string {
  const steps = methods.get(synctype)?.steps(debian(synctype, url), context(source(url))) ?? [];
  return steps
    .flatMap((step) => (step.kind === 'write-file' ? step.content : []))
    .filter((part) => typeof part === 'string')
    .join('');
}

describe.each([
  ['apt-mirror', (user: string) => `user = ${user}\n`],
  ['reposync', (user: string) => `username=${user}\n`],
  ['lftp', (user: string) => `"--user=${user}"`],
  ['debmirror', (user: string) => `$user = '${encodeURIComponent(user).replaceAll("'", '%27')}';\n`],
])('the user of a URL is told to %s', (synctype, line) => {
  test.each([
    ['me%40example.edu', 'me@example.edu'],
    ["o'brien", "o'brien"],
  ])('%s', (written, user) => {
    const url = `https://${written}@deb.example.org/debian`;
    expect(told(synctype, url)).toContain(line(user));
    expect(methods.get(synctype)?.check(debian(synctype, url))).toEqual([]);
  });
});

test('a quote in it does not end the text of debmirror’s Perl', () => {
  const perl = told('debmirror', "ftp://o'brien@deb.example.org/debian").replace(
    /\{\n[\s\S]*/,
    'print $user',
  );
  expect(execFileSync('perl', ['-e', perl], { encoding: 'utf8' })).toBe("o'brien");
});

test.each(['apt-mirror', 'reposync', 'debmirror'])('%s is not told one of several lines', (synctype) => {
  // An error of the config, but nothing that a line can be made of either way.
  expect(told(synctype, 'https://me%0Aproxy=x@deb.example.org/debian')).not.toMatch(/^proxy/m);
});
