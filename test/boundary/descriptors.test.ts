import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENTRY, install } from '../run/fixture.js';
import type { Installation } from '../run/fixture.js';

let site: Installation;
let secret: string;

beforeAll(() => {
  site = install();
  secret = join(site.root, 'secret');
  writeFileSync(secret, 'swordfish\n');
});
afterAll(() => site.remove());

/** Starts `mirror` from a shell in which these descriptors are open to the secret file. */
function startWith(descriptors: readonly number[], args: readonly string[], env = {}): string {
  const opened = descriptors.map((fd) => `${String(fd)}<"$S"`).join(' ');
  return execFileSync('bash', ['-c', `exec ${opened}; exec "$@"`, 'bash', process.execPath, ENTRY, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env, S: secret },
  });
}

test('a tool gets no descriptor of the caller, whatever its number', () => {
  site.script('debian', 'ls -l /proc/self/fd');
  startWith([3, 10, 17, 63, 251], ['run', '--root', site.root, 'debian']);
  expect(site.log('debian')).toContain('/proc/');
  expect(site.log('debian')).not.toContain(secret);
});

test('the descriptor by which root serves a process stays open', () => {
  site.script('fedora', 'true');
  writeFileSync(secret, '{"secrets":{}}\n');
  startWith([17, 251], ['run', '--root', site.root, 'fedora'], { MIRROR_HANDOVER: '251' });
  expect(site.state('fedora').last).toMatchObject({ outcome: 'synced' });
});
