import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asUser } from '../../src/run/privileges.js';

/** A user and a group that no host has. */
const [USER, GROUP] = [64_322, 64_321];

test.runIf(process.getuid?.() === 0)(
  'with a user’s rights nothing of root’s can be read, what is written is the user’s, and then root is root again',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'mirror-rights-'));
    chmodSync(directory, 0o777);
    const ofRoot = join(directory, 'root');
    const ofUser = join(directory, 'user');
    writeFileSync(ofRoot, 'secret', { mode: 0o600 });
    const groups = process.getgroups?.();
    const look = (): void => {
      writeFileSync(ofUser, '');
      writeFileSync(ofRoot, 'overwritten');
    };
    expect(() => asUser(USER, GROUP, look)).toThrow('EACCES');
    expect(statSync(ofUser)).toMatchObject({ uid: USER, gid: GROUP });
    expect([process.geteuid?.(), process.getegid?.(), process.getgroups?.()]).toEqual([0, 0, groups]);
    expect(asUser(USER, GROUP, () => [process.geteuid?.(), process.getuid?.()])).toEqual([USER, 0]);
    rmSync(directory, { recursive: true });
  },
);
