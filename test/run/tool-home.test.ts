import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { methods } from '../../src/methods/index.js';
import { toolEnvironment } from '../../src/run/tool-environment.js';
import { context, pkg, source } from '../compile/site.js';
import { METHOD_OPTIONS } from '../support/method-options.js';
import { install, listing, tree } from './fixture.js';
import type { Installation } from './fixture.js';

let site: Installation;
let planted: string;

beforeAll(() => {
  site = install();
  planted = tree(join(site.root, 'planted'), { '.popt': 'rsync alias --timeout --no-such-option\n' });
});
afterAll(() => site.remove());

const VARIABLES = ['HOME', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'TMPDIR', 'TMP', 'TEMP'];

/** The environment that a package's tool wrote into its dst. */
function seen(id: string): Record<string, string | undefined> {
  const text = readFileSync(join(site.dst(id), 'env.txt'), 'utf8');
  return Object.fromEntries(
    text.split('\n').map((line): [string, string] => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=/, '')]),
  );
}

test('a tool has home, settings, cache and temporary files in directories of its package', async () => {
  site.script('debian', 'env > env.txt; stat -c %a "$HOME" "$TMPDIR"; touch "$HOME/kept" "$TMPDIR/litter"');
  expect((await site.start(['run', '--root', site.root, 'debian'], { HOME: planted }).ended).code).toBe(0);
  const home = site.layout.homeDirectory('debian');
  expect(seen('debian')).toMatchObject({
    HOME: home,
    XDG_CONFIG_HOME: `${home}/.config`,
    XDG_CACHE_HOME: `${home}/.cache`,
    TMPDIR: `${home}/tmp`,
    TMP: `${home}/tmp`,
    TEMP: `${home}/tmp`,
  });
  expect(site.log('debian')).toContain('700\n700\n');
  expect(listing(home)).toEqual(['kept']);
});

test('what a killed run left among the temporary files is gone when the next one begins', async () => {
  tree(join(site.layout.homeDirectory('fedora'), 'tmp'), { 'old/file': '' });
  site.script('fedora', 'ls -A "$TMPDIR" > left');
  expect((await site.run('fedora')).code).toBe(0);
  expect(readFileSync(join(site.dst('fedora'), 'left'), 'utf8')).toBe('');
});

test('the config may name another home, and its settings follow', async () => {
  site.script('arch', 'env > env.txt', { env: { HOME: planted, TMPDIR: '/var/tmp' } });
  expect((await site.run('arch')).code).toBe(0);
  expect(seen('arch')).toMatchObject({
    HOME: planted,
    XDG_CONFIG_HOME: `${planted}/.config`,
    TMPDIR: '/var/tmp',
  });
});

test("rsync does not read what lies in the user's home, in a dry run neither", async () => {
  const upstream = tree(join(site.root, 'upstream'), { file: 'content\n' });
  site.job('ctan', { attempts: site.attempts('ctan', [`${upstream}/`]) });
  const run = (...args: string[]) =>
    site.start(['run', '--root', site.root, ...args, 'ctan'], { HOME: planted }).ended;
  expect(await run('--dry-run', '--transfer')).toMatchObject({ code: 0, stderr: '' });
  expect((await run()).code).toBe(0);
  expect(readFileSync(join(site.dst('ctan'), 'file'), 'utf8')).toBe('content\n');
  mkdirSync(site.layout.homeDirectory('ctan'), { recursive: true });
  writeFileSync(join(site.layout.homeDirectory('ctan'), '.popt'), readFileSync(join(planted, '.popt')));
  // The same file in its own home is read: the test would notice a rsync without popt.
  expect((await run()).code).not.toBe(0);
  expect(statSync(site.layout.homeDirectory('ctan')).mode & 0o777).toBe(0o700);
});

test.each([...methods.values()])(
  '$name: every tool stays within the directories of its package',
  (method) => {
    const from = source('rsync://rsync.example.org/debian');
    const options = METHOD_OPTIONS[method.name] ?? {};
    const debian = pkg('debian', { synctype: method.name, sources: [from], options });
    const where = context(from);
    const own = ['/home/debian', where.work, where.cache];
    for (const step of method.steps(debian, where)) {
      if (!('argv' in step)) continue;
      const env = toolEnvironment({ env: {} }, step, '/home/debian');
      for (const name of VARIABLES)
        expect(
          own.some((path) => env[name] === path || env[name]?.startsWith(`${path}/`)),
          `${name}=${env[name] ?? ''}`,
        ).toBe(true);
    }
  },
);
