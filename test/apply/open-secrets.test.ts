import { expect, test } from 'vitest';
import { apply } from '../../src/apply/apply.js';
import { observe } from '../../src/apply/observe.js';
import type { Package } from '../../src/model/site.js';
import { assemble } from '../../src/plan/assemble.js';
import type { MemorySystem, Node } from '../../src/system/memory.js';
import { pkg } from '../compile/site.js';
import { ask, intend, machine, MIRROR } from './machine.js';

function warnings(packages: readonly Package[], system: MemorySystem): readonly string[] {
  const intent = intend(packages);
  return assemble(intent, observe(intent, system), ask().permissions, system.now()).warnings;
}

test('a plan warns of secrets that everybody may read, and apply goes on', async () => {
  const password = '/etc/mirror/upstream.password';
  const network = (key: string): Partial<Package['network']> => ({
    ssh: { key, knownHosts: null, port: null },
  });
  const packages = [
    pkg('debian', { password: { file: password } }),
    pkg('CTAN', { network: network('/etc/mirror/a key') }),
    pkg('CPAN', { network: network('/etc/mirror/own-key') }),
    pkg('KDE', { network: network('/etc/mirror/shared-key') }),
    pkg('GNU', { user: 'archie', network: network('/etc/mirror/shared-key') }),
    pkg('KEYS', { network: network('/home/mirror/.ssh/id') }),
  ];
  const open = (content: string): Node => ({ kind: 'file', content, mode: 0o644 });
  const system = machine({
    [password]: open('hunter2\n'),
    '/etc/mirror/a key': open('key'),
    '/etc/mirror/own-key': { ...open('key'), ...MIRROR },
    '/etc/mirror/shared-key': { kind: 'link', target: 'keys/shared' },
    '/etc/mirror/keys/shared': open('key'),
    '/home/mirror/.ssh': { kind: 'directory', mode: 0o700, ...MIRROR },
    '/home/mirror/.ssh/id': open('key'),
  });
  const may = 'everybody on this machine may read';
  expect(warnings(packages, system)).toEqual([
    `${may} ${password}: chmod o= -- ${password}`,
    `${may} /etc/mirror/a key: chown -h mirror -- '/etc/mirror/a key' && chmod 600 -- '/etc/mirror/a key'`,
    `${may} /etc/mirror/own-key: chmod 600 -- /etc/mirror/own-key`,
    `${may} /etc/mirror/shared-key: chown -h root:mirror -- /etc/mirror/keys/shared && chmod 640 -- /etc/mirror/keys/shared`,
  ]);
  const result = await apply(intend(packages.slice(0, 2)), ask(), system);
  expect(result.kind).toBe('applied');
  system.tree.set(password, { kind: 'file', content: 'hunter2\n', mode: 0o640 });
  expect(warnings(packages.slice(0, 1), system)).toEqual([]);
});
