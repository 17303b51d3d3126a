import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ENTRY } from '../run/fixture.js';
import { settingsBelow, siteConfig } from '../support/site-config.js';

let root: string;
let statfile: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'mirror-takeover-')));
  for (const name of ['srv', 'www', 'etc/mirror', 'var/lib/mirror'])
    mkdirSync(join(root, name), { recursive: true });
  statfile = join(root, 'var/lib/mirror/stat.json');
  const settings = { src: 'rsync://127.0.0.1/debian', dst: `${root}/srv/debian`, options: {} };
  const debian = { name: 'Debian', synctype: 'rsync', syncrate: 'PT6H', settings };
  writeFileSync(
    join(root, 'etc/mirror/config.json'),
    JSON.stringify(siteConfig({ debian }, { ...settingsBelow(root), executable: ENTRY })),
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** stderr of an apply that must work. */
function apply(): string {
  const { status, stderr } = spawnSync(process.execPath, [ENTRY, 'apply', '--root', root], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  return stderr;
}

const STAT = JSON.stringify({
  packages: {
    debian: {
      settings: { options: { password: 'hunter2' } },
      status: { status: 'ACTIVE', statusinfo: { lastsuccesstime: 1_795_000_000, errorcount: 0 } },
    },
  },
});

test.each([0o644, 0o666, 0o4755])(
  "the copy of mirror.py's stat.json, which has passwords, is for its owner only, though that one is %o",
  (mode) => {
    writeFileSync(statfile, STAT);
    chmodSync(statfile, mode);
    expect(apply()).toContain(
      `mirror: history of 1 package taken over from ${statfile}, kept as ${statfile}.bak\n`,
    );
    expect(readFileSync(`${statfile}.bak`, 'utf8')).toBe(STAT);
    expect(statSync(`${statfile}.bak`).mode & 0o7777).toBe(0o600);
    expect(readFileSync(statfile, 'utf8')).not.toContain('hunter2');
  },
);

test('one that is no stat.json is said to be none, and kept', () => {
  writeFileSync(statfile, 'half of a li');
  const said = apply();
  expect(said).toContain('mirror: stat.json is not a mirror.py stat file: no history imported\n');
  expect(said).toContain(`mirror: ${statfile} is kept as ${statfile}.bak\n`);
  expect(said).not.toContain('taken over');
});

test('one that cannot be read is said so, and nothing is made of it', () => {
  mkdirSync(statfile);
  expect(apply()).toContain(`mirror: ${statfile} cannot be read: its history is not taken over\n`);
  expect(existsSync(`${statfile}.bak`)).toBe(false);
});
