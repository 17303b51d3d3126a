import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  lstatSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settingsBelow, siteConfig } from '../support/site-config.js';

const MIRROR = join(import.meta.dirname, '../../dist/mirror.cjs');

/** In memory where there is such a place: an apply syncs every file it writes. */
const BASE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(BASE, 'mirror-commands-'));
  mkdirSync(join(root, 'srv'));
  mkdirSync(join(root, 'www'));
  mkdirSync(join(root, 'etc/mirror'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function mirror(...args: string[]): Ended {
  const [command = '', ...rest] = args;
  const { status, stdout, stderr } = spawnSync(process.execPath, [MIRROR, command, '--root', root, ...rest], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', SUDO_USER: 'alice' },
  });
  return { code: status, stdout, stderr };
}

const json = (ended: Ended): Record<string, unknown> => JSON.parse(ended.stdout) as Record<string, unknown>;

function configure(ids: readonly string[], change: object = {}, scheduler = 'systemd'): void {
  const packages = ids.map((id) => [
    id,
    {
      name: id,
      id,
      href: `/${id}`,
      synctype: 'rsync',
      syncrate: 'PT6H',
      link: [],
      settings: { hidden: false, src: `rsync://127.0.0.1/${id}`, dst: `${root}/srv/${id}`, options: {} },
      ...change,
    },
  ]) as [string, object][];
  const settings = {
    ...settingsBelow(root),
    scheduler,
    localtimezone: 'Asia/Seoul',
    logger: {
      packagefileformat: { base: `${root}/log/p`, folder: '{year}', filename: '{packageid}.log', gzip: true },
    },
  };
  const site = siteConfig(Object.fromEntries(packages), settings);
  writeFileSync(join(root, 'etc/mirror/config.json'), JSON.stringify(site));
}

const unit = (name: string): string => join(root, 'etc/systemd/system', name);

describe('mirror plan', () => {
  test('says what apply will do, and that there is nothing once it did', () => {
    configure(['debian']);
    const first = mirror('plan');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^\+ debian\n/);
    expect(first.stdout).toContain(`+++ ${unit('mirror-sync-debian.timer')}\n`);
    expect(first.stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^Plan: 1 to add, 0 to change, 0 to remove; \d+ files to write/,
    );
    expect(mirror('apply').code).toBe(0);
    const second = mirror('plan');
    expect([second.code, second.stdout]).toEqual([
      0,
      expect.stringMatching(/^Nothing to do: 1 packages and their \d+ files are as the config has them\.\n$/),
    ]);
  });

  test('with --detailed-exitcode exits 0 for nothing, 2 for changes, 1 for every error', () => {
    configure(['debian']);
    expect(mirror('plan', '--detailed-exitcode').code).toBe(2);
    mirror('apply');
    expect(mirror('plan', '--detailed-exitcode').code).toBe(0);
    configure(['debian'], { syncrate: 'nonsense' });
    expect(mirror('plan', '--detailed-exitcode').code).toBe(1);
    expect(mirror('plan').code).toBe(78);
    expect(mirror('plan', '-c', join(root, 'no-such.json')).code).toBe(66);
  });

  test('says that an apply died, whose timers may not run though every file is as it should be', () => {
    configure(['debian']);
    mirror('apply');
    const none = { places: [], state: { account: null, entries: [] }, files: [], start: [], stop: [] };
    const journal = { format: 'mirror/journal/3', root, ...none };
    writeFileSync(join(root, 'etc/mirror/compiled/journal.json'), JSON.stringify(journal));
    const plan = mirror('plan', '--detailed-exitcode');
    expect(plan.code).toBe(2);
    expect(plan.stdout).toContain(
      'an apply is at work, or died half way: then the next one first undoes what it had done\n',
    );
    expect(mirror('apply').code).toBe(0);
    expect(mirror('plan', '--detailed-exitcode').code).toBe(0);
  });

  test('with --detailed-exitcode exits 1 for what apply would refuse', () => {
    configure(['a', 'b', 'c', 'd']);
    mirror('apply');
    configure(['a']);
    const plan = mirror('plan', '--detailed-exitcode');
    expect([plan.code, plan.stdout]).toEqual([1, expect.stringContaining('apply would refuse this.\n')]);
    expect(mirror('apply').code).toBe(77);
  });

  test('as JSON is one object with a format', () => {
    configure(['debian']);
    mirror('apply');
    configure(['debian'], { syncrate: 'PT2H' });
    const plan = json(mirror('plan', '--json', '--at', '2026-11-22T12:00:00Z'));
    expect(plan).toMatchObject({
      format: 'mirror/plan/1',
      nothing: false,
      summary: { add: 0, change: 1, remove: 0 },
      packages: [
        {
          id: 'debian',
          change: 'changed',
          schedule: { before: { next: [expect.any(String), expect.any(String)] } },
        },
      ],
      refusals: [],
    });
    expect(plan).toEqual(json(mirror('plan', '--json', '--at', '2026-11-22T12:00:00Z')));
  });
});

describe('mirror diff', () => {
  test('prints patches only, and exits 0 for none and 1 for some', () => {
    configure(['debian']);
    mirror('apply');
    expect(mirror('diff')).toMatchObject({ code: 0, stdout: '' });
    configure(['debian'], { syncrate: 'PT2H' });
    const diff = mirror('diff');
    expect(diff.code).toBe(1);
    expect(diff.stdout).toMatch(/^--- /);
    writeFileSync(join(root, 'etc/mirror/config.json'), '{');
    expect(mirror('diff').code).toBe(78);
  });

  test('compares git revisions, and one with the working tree', () => {
    configure(['debian']);
    const git = (...args: string[]): void => {
      const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org'];
      execFileSync('git', ['-C', join(root, 'etc/mirror'), ...who, ...args], { stdio: 'ignore' });
    };
    git('init', '-b', 'main');
    git('add', 'config.json');
    git('commit', '-m', 'one');
    expect(mirror('diff', '--git', 'HEAD')).toMatchObject({ code: 0, stdout: '' });
    configure(['debian', 'CTAN']);
    git('commit', '-a', '-m', 'two');
    const markdown = mirror('diff', '--git', 'HEAD~1..HEAD', '--markdown');
    expect(markdown.code).toBe(1);
    expect(markdown.stdout).toMatch(/^\*\*Plan: 1 to add, 0 to change, 0 to remove;/);
    expect(mirror('diff', '--git', 'HEAD~1').stdout).toBe(mirror('diff', '--git', 'HEAD~1..HEAD').stdout);
    expect(mirror('diff', '--git', 'nonsense').code).toBe(66);
    expect(mirror('diff', '--git', 'a..b..c').code).toBe(64);
    const nowhere = spawnSync(
      process.execPath,
      [MIRROR, 'diff', '--root', join(root, 'no'), '--git', 'HEAD'],
      {
        encoding: 'utf8',
      },
    );
    expect([nowhere.status, nowhere.stderr]).toEqual([
      66,
      `mirror: ${root}/no/etc/mirror does not exist: name the config in the checkout with -c\n`,
    ]);
    // What is applied says where it came from; what mirror itself writes beside the config is no change of it.
    const applied = (...options: string[]): object => {
      expect(mirror('apply', ...options).code).toBe(0);
      const history = readFileSync(join(root, 'etc/mirror/compiled/history.jsonl'), 'utf8');
      return JSON.parse(history.trim().split('\n').at(-1) ?? '') as object;
    };
    const revision = expect.stringMatching(/^[0-9a-f]{40}$/) as string;
    expect(applied()).toMatchObject({ by: 'alice', revision, dirty: false });
    const checkout = join(root, 'etc/mirror/config.json');
    const link = join(root, 'config.json');
    symlinkSync(checkout, link);
    configure(['debian', 'CTAN'], { syncrate: 'PT1H' });
    expect(applied('-c', link)).toMatchObject({ revision, dirty: true });
    git('commit', '-a', '-m', 'three');
    mkdirSync(join(root, 'etc/mirror/packages.d'));
    const site = JSON.parse(readFileSync(checkout, 'utf8')) as { packages: Record<string, object> };
    const { debian = {}, CTAN = {} } = site.packages;
    const included = join(root, 'etc/mirror/packages.d/debian.json');
    writeFileSync(included, JSON.stringify({ debian: { ...debian, syncrate: 'PT2H' } }));
    writeFileSync(checkout, JSON.stringify({ ...site, packages: { CTAN }, include: ['packages.d/*'] }));
    git('commit', '-a', '-m', 'four');
    expect(applied()).toMatchObject({ dirty: true });
    git('add', included);
    git('commit', '-m', 'five');
    rmSync(included);
    writeFileSync(join(root, 'etc/mirror/packages.d/new.json'), '{}');
    expect(applied()).toMatchObject({ dirty: true });
  });
});

describe('mirror apply', () => {
  test('stops at an edited file with exit 1 and its diff, and takes the edit over with --adopt', () => {
    configure(['debian']);
    mirror('apply');
    const service = unit('mirror-sync-debian.service');
    writeFileSync(service, readFileSync(service, 'utf8').replace(/^Nice=.*$/m, 'Nice=15'));
    const refused = mirror('apply');
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('-Nice=15\n+Nice=10\n');
    expect(refused.stderr).toContain('`--adopt` turns an edit of a unit into a drop-in');
    expect(mirror('apply', '--adopt', '--force').code).toBe(64);
    expect(mirror('apply', '--adopt').code).toBe(0);
    expect(readFileSync(`${service}.d/50-adopted.conf`, 'utf8')).toContain('[Service]\nNice=15\n');
    writeFileSync(service, `${readFileSync(service, 'utf8')}# mine\n`);
    expect(mirror('apply', '--adopt')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the edit changes no setting, only comments or white space') as string,
    });
  });

  test('says what it refuses as JSON, with the exit code of the first reason', () => {
    configure(['a', 'b', 'c', 'd']);
    mirror('apply');
    configure(['a']);
    const refused = mirror('apply', '--json');
    expect(refused.code).toBe(77);
    expect(json(refused)).toMatchObject({
      format: 'mirror/apply/1',
      result: 'refused',
      refusals: [{ code: 'removals' }],
    });
    expect(json(mirror('apply', '--json', '--allow-removals', '3'))).toMatchObject({ result: 'applied' });
    expect(readdirSync(join(root, 'etc/mirror/compiled/jobs'))).toEqual(['a.json']);
  });

  test('leads from systemd to cron and back', () => {
    configure(['debian']);
    mirror('apply');
    configure(['debian'], {}, 'crontab');
    expect(mirror('apply').code).toBe(0);
    expect(readdirSync(join(root, 'etc/systemd/system')).filter((name) => name.startsWith('mirror'))).toEqual(
      [],
    );
    expect(readFileSync(join(root, 'etc/cron.d/mirror'), 'utf8')).toContain('debian');
    appendFileSync(join(root, 'etc/cron.d/mirror'), '# mine\n');
    configure(['debian']);
    expect(mirror('apply').code).toBe(1);
    expect(mirror('apply', '--force').code).toBe(0);
    expect(mirror('plan', '--detailed-exitcode').code).toBe(0);
  });

  test('does not take another version’s manifest for a bug', () => {
    configure(['debian']);
    mirror('apply');
    writeFileSync(join(root, 'etc/mirror/compiled/manifest.json'), '{"format":"mirror/manifest/9"}');
    for (const command of ['plan', 'diff', 'apply'])
      expect(mirror(command)).toMatchObject({
        code: 78,
        stderr: expect.stringContaining('not a manifest of this version') as string,
      });
  });

  test('killed at any moment is healed by the next one', async () => {
    const ids = Array.from({ length: 30 }, (_, i) => `pkg${String(i)}`);
    configure(ids.slice(0, 29));
    mirror('apply');
    const pristine = mkdtempSync(join(BASE, 'mirror-pristine-'));
    try {
      configure(ids.slice(1), { syncrate: 'PT5H' });
      cpSync(root, pristine, { recursive: true, verbatimSymlinks: true });
      expect(mirror('apply').code).toBe(0);
      const clean = tree();
      let left = 0;
      for (let trial = 0; trial < 8; trial += 1) {
        rmSync(root, { recursive: true });
        cpSync(pristine, root, { recursive: true, verbatimSymlinks: true });
        await killedAtWork(trial * 2);
        if (existsSync(journal())) left += 1;
        expect(mirror('apply')).toMatchObject({ code: 0 });
        expect(tree(), `trial ${String(trial)}`).toEqual(clean);
      }
      expect(left).toBeGreaterThan(0);
    } finally {
      rmSync(pristine, { recursive: true, force: true });
    }
  });
});

const journal = (): string => join(root, 'etc/mirror/compiled/journal.json');

/** Runs an apply and kills it `delay` ms after it began to change things. */
async function killedAtWork(delay: number): Promise<void> {
  const child = spawn(process.execPath, [MIRROR, 'apply', '--root', root], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (child.exitCode === null && !existsSync(journal()))
    await new Promise((resolve) => setTimeout(resolve, 1));
  setTimeout(() => child.kill('SIGKILL'), delay);
  await ended;
}

/** Every name below root with what it holds, but for times and for what publishing made of them. */
function tree(): Record<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  const isTimed = /history\.jsonl$|baseline\/|\/locks|status\.json$|stat\.json$|publish\.dirty$/;
  return Object.fromEntries(
    names
      .filter((name) => !isTimed.test(name))
      .map((name) => {
        const stat = lstatSync(join(root, name));
        if (stat.isDirectory()) return [name, 'directory'];
        const content = stat.isSymbolicLink()
          ? readlinkSync(join(root, name))
          : readFileSync(join(root, name), 'utf8');
        return [name, `${stat.mode.toString(8)} ${content}`];
      }),
  );
}

describe('mirror setup --root', () => {
  test('prepares a directory so that plan and apply work, and then finds everything in place', () => {
    const first = mirror('setup', '--json');
    expect(first.code).toBe(0);
    expect(json(first)).toMatchObject({ format: 'mirror/setup/1', problems: [] });
    expect(mirror('setup')).toMatchObject({ code: 0, stdout: 'Everything is in place.\n' });
    expect(mirror('apply').code).toBe(0);
    expect(mirror('setup')).toMatchObject({ code: 0, stdout: 'Everything is in place.\n' });
  });

  test('keeps a config that is there, even a broken one, and says so', () => {
    writeFileSync(join(root, 'etc/mirror/config.json'), '{ "mine": ');
    const done = mirror('setup');
    expect(done.code).toBe(77);
    expect(done.stderr).toContain('has errors');
    expect(readFileSync(join(root, 'etc/mirror/config.json'), 'utf8')).toBe('{ "mine": ');
  });
});

test.each(['apply', 'setup'])('%s --root where no directory can be made says so, as no bug', (command) => {
  configure(['debian']);
  for (const [place, named] of [
    ['/proc/mirror', '/proc/mirror'],
    ['/dev/null/root', '/dev/null'],
  ] as const) {
    const argv = [MIRROR, command, '-c', join(root, 'etc/mirror/config.json'), '--root', place];
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([73, expect.stringContaining(`'${named}`)]);
    expect(stderr).not.toContain('bug');
  }
});
