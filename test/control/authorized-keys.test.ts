import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizedKeys } from '../../src/commands/authorized-keys.js';
import { install, type Installation } from '../run/fixture.js';

let directory: string;
let site: Installation;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-keys-'));
  for (const type of ['ed25519', 'rsa', 'ecdsa'])
    execFileSync('ssh-keygen', [
      '-q',
      '-t',
      type,
      '-N',
      '',
      '-C',
      `${type}@upstream`,
      '-f',
      join(directory, type),
    ]);
  site = install();
  site.job('debian');
});
afterAll(() => {
  rmSync(directory, { recursive: true });
  site.remove();
});

const file = (text: string): string => {
  const path = join(directory, 'keys');
  writeFileSync(path, text);
  return path;
};
const key = (type: string): string => readFileSync(join(directory, `${type}.pub`), 'utf8').trim();

test('every public key of a file gets a line of its own, restricted to one command', async () => {
  const path = file(`# ours\n${key('ed25519')}\n\n${key('rsa')}\r\n${key('ecdsa')}`);
  const { code, stdout } = await site.start([
    'push',
    'debian',
    '--authorized-keys',
    path,
    '--root',
    site.root,
  ]).ended;
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  const command = `mirror.cjs --root ${site.root} push debian`;
  expect(lines.map((line) => line.replace(/"\/\S+mirror\.cjs/, '"mirror.cjs'))).toEqual(
    ['ed25519', 'rsa', 'ecdsa'].map((type) => `restrict,command="${command}" ${key(type)}`),
  );
  // sshd's own parser takes them: ssh-keygen reads authorized_keys files.
  const prints = execFileSync('ssh-keygen', ['-l', '-f', file(stdout)], { encoding: 'utf8' });
  expect(prints.trim().split('\n')).toHaveLength(3);
});

test('asks for packages that are applied', async () => {
  const { code, stderr } = await site.start([
    'push',
    'debain',
    '--authorized-keys',
    file(key('rsa')),
    '--root',
    site.root,
  ]).ended;
  expect({ code, stderr }).toMatchObject({ code: 66, stderr: expect.stringContaining('debian') as string });
});

test('quotes a program’s path for the shell and for sshd', () => {
  expect(authorizedKeys(file(key('ed25519')), ['/opt/my "mirror"', 'push', 'x'])).toMatch(
    /^restrict,command="'\/opt\/my \\"mirror\\"' push x" ssh-ed25519 /,
  );
  // What a person reads as a placeholder, a shell takes for a file to write to.
  expect(authorizedKeys(file(key('ed25519')), ['/opt/<mirror>'])).toContain(`command="'/opt/<mirror>'"`);
});

describe('refuses', () => {
  const swapped = (): string => key('ed25519').replace('ssh-ed25519', 'ssh-rsa');
  test.each<[string, () => string, string]>([
    ['a private key', () => readFileSync(join(directory, 'ed25519'), 'utf8'), 'this is a private key'],
    ['a key with options', () => `command="sh" ${key('rsa')}`, 'without options'],
    ['a key whose type is another one', swapped, 'the key is no ssh-rsa key'],
    ['a key cut short', () => key('ed25519').slice(0, 40), 'the key is no ssh-ed25519 key'],
    ['what is no base64', () => 'ssh-ed25519 !!!! me', 'the key is no ssh-ed25519 key'],
    ['an old type', () => key('rsa').replace('ssh-rsa', 'ssh-dss'), 'expected a public key'],
    ['a file without keys', () => '# nothing\n', 'no public key in it'],
  ])('%s', (_, text, words) => {
    expect(() => authorizedKeys(file(text()), ['/usr/bin/mirror', 'push', 'x'])).toThrow(words);
  });

  test('a file that is not there', () => {
    expect(() => authorizedKeys('/nowhere', [])).toThrow(expect.objectContaining({ code: 66 }) as Error);
  });
});

test('a comment cannot smuggle a second line or an escape', () => {
  const lines = authorizedKeys(file(`${key('ed25519')} \u001b[31m\u2028\tx`), ['/usr/bin/mirror']);
  expect(lines.split('\n')).toHaveLength(2);
  expect(lines).not.toContain('\u001b');
});
