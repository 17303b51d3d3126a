import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Step } from '../../src/job/step.js';
import { NEVER_UPSTREAM_EXPRESSION } from '../../src/job/never-upstream.js';
import { lftp } from '../../src/methods/lftp.js';
import type { Package } from '../../src/model/site.js';
import { fileText } from '../../src/run/special/write-file.js';
import { context, pkg, source } from '../compile/site.js';
import { onPath } from '../support/tools.js';

const WITHOUT = onPath('lftp') ? '' : ' (skipped: no lftp)';

/** Everything that means something to lftp or a shell, and some that mean nothing; the schema lets no control characters in. */
const hostile = fc.oneof(
  fc
    .array(fc.constantFrom(...Array.from(`"'\\\`$;&|!#<>(){}[]*?~ -=%^,@:/.abn0ü\u2028😀`)), {
      maxLength: 24,
    })
    .map((letters) => letters.join('')),
  fc.constantFrom(
    '"; !touch canary; echo "',
    "'; !touch canary #",
    '`touch canary`',
    '$(touch canary)',
    '\\"; !touch canary',
    '&& !touch canary',
    '| tee canary',
    '> canary',
    '\\',
    '\\\\"',
    '-',
    '--script=canary',
    'x'.repeat(4096),
    '"\\'.repeat(2048),
  ),
);

describe.skipIf(WITHOUT !== '')(`what lftp reads${WITHOUT}`, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'mirror-lftp-script-'));
  const directory = join(scratch, `it's; "a" $HOME \\ dir`);
  const home = join(scratch, 'home');
  /** Where a command that slipped through would leave something. */
  const empty = join(scratch, 'empty');
  for (const path of [directory, home, empty]) mkdirSync(path);
  const env = { PATH: process.env.PATH ?? '', HOME: home, LC_ALL: 'C.UTF-8' };
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  /** Commands as lftp itself took them apart: its own `echo` says them in place of doing them. */
  function heard(steps: readonly Step[], password: string): string[] {
    for (const step of steps) {
      if (step.kind !== 'write-file') continue;
      const secrets = new Map([['password', { text: password }]]);
      const text = fileText(step, { secrets } as unknown as Parameters<typeof fileText>[1]);
      if (typeof text !== 'string') throw new Error(JSON.stringify(text));
      writeFileSync(step.path, text, { mode: 0o600 });
    }
    const exec = steps.find((step) => step.kind === 'exec');
    const command = exec?.argv[3] ?? '';
    const aliases = ['set', 'open', 'mirror'].map((name) => `alias ${name} "echo ${name}"; `).join('');
    const { stdout, stderr } = spawnSync('lftp', ['--norc', '-c', aliases + command], {
      cwd: empty,
      env,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.replace(/\n$/, '').split('\n');
  }

  test('is one word for each value, whatever is in it', () => {
    fc.assert(
      fc.property(
        hostile,
        hostile,
        hostile,
        hostile,
        hostile,
        hostile,
        (glob, regex, user, password, path, dst) => {
          const url = `ftp://ftp.example.org/${path.replace(/[?#]/g, '')}`;
          const cran: Package = pkg('CRAN', {
            synctype: 'lftp',
            sources: [source(url)],
            dst: `/srv/ftp/${dst}`,
            options: { user: `u${user}`, exclude_X: [`${glob}/`], exclude_x: [regex], exclude: [] },
            password: { literal: 'elsewhere' },
            network: { ...pkg('x').network, caFile: `/etc/${dst}` },
          });
          const context_ = context(source(url), { work: directory });
          const lines = heard(lftp.steps(cran, context_), password);
          const settings = lines.filter((line) => line.startsWith('set '));
          expect(settings).toContain(`set ssl:ca-file /etc/${dst}`);
          const mirror = `mirror --continue --no-perms --exclude=${NEVER_UPSTREAM_EXPRESSION} --exclude=${regex} --exclude-glob=${glob}/`;
          expect(lines.slice(settings.length)).toEqual([
            `open --user=u${user} --password ${password} ${url}${url.endsWith('/') ? '' : '/'}`,
            `${mirror} --verbose=3 . /srv/ftp/${dst}`,
            'mirror: the listing is held against dst',
            `${mirror} --verbose=1 --dry-run --use-cache --ignore-time . /srv/ftp/${dst}`,
          ]);
          expect(readdirSync(empty)).toEqual([]);
          expect(readdirSync(directory)).toEqual(['session.lftp']);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('is known to lftp: it takes every setting', () => {
    const network = {
      family: 'ipv6' as const,
      bind: '2001:db8::1',
      proxy: 'proxy.example.org:3128',
      caFile: import.meta.filename,
      ssh: { key: null, knownHosts: null, port: null },
    };
    const url = 'https://www.example.org/pub/';
    const options = {
      tls: 'required',
      list_options: '-a',
      parallel: 4,
      scan_all_first: true,
      symlinks: false,
    };
    const steps = lftp.steps(
      pkg('x', { synctype: 'lftp', sources: [source(url)], network, options }),
      context(source(url), { work: directory }),
    );
    const file = steps.find((step) => step.kind === 'write-file');
    const settings = file?.content[0];
    if (typeof settings !== 'string') throw new Error('the script has no settings');
    const ended = spawnSync('lftp', ['--norc', '-c', `${settings}\nset -a`], {
      env,
      encoding: 'utf8',
    });
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    for (const line of [
      'dns:order inet6',
      'net:socket-bind-ipv6 2001:db8::1',
      'https:proxy http://127.0.0.1:1',
      'https:proxy/www.example.org http://proxy.example.org:3128',
      // From https nothing leads back to http.
      'http:proxy http://127.0.0.1:1',
    ])
      expect(ended.stdout).toContain(`set ${line}\n`);
    const mirror = heard(steps, '').at(-1) ?? '';
    expect(mirror).toContain(' --scan-all-first --no-symlinks --parallel=4 ');
  });
});
