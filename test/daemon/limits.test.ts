import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { writeFileSync } from 'node:fs';
import { lines, machine, script, until, type Machine } from './machine.js';

let site: Machine;
afterEach(() => site.remove());

test('30 packages due at once on 3 upstreams never exceed the limits, and all finish', async () => {
  site = machine();
  const ids = Array.from({ length: 30 }, (_, i) => `pkg${String(i).padStart(2, '0')}`);
  const upstream = (id: string): string => `u${String(Number(id.slice(3)) % 3)}.example.org`;
  const packages = ids.map((id) => {
    const text = `echo + ${id} >>$FLAGS/events; sleep 0.3; echo - ${id} >>$FLAGS/events`;
    const options = { command: ['/bin/sh', '-c', text], env: { FLAGS: site.root } };
    const settings = { src: `rsync://${upstream(id)}/x`, dst: join(site.root, 'srv', id), options };
    return [id, script(id, '', { syncrate: 'P1D', settings })] as const;
  });
  site.config(Object.fromEntries(packages), { limits: { concurrent: 5, per_upstream: 2 } });
  expect((await site.run('apply')).code).toBe(0);
  for (const id of ids) {
    writeFileSync(site.layout.baselineFile(id), JSON.stringify({ at: Date.now() - 2 * 86_400_000 }));
  }
  const one = site.daemon();
  await one.event('started');
  const log = (): string[] => lines(join(site.root, 'events'));
  await until(() => log().length >= 8, 'the first ones', 40);
  const status = await site.run('status', '--json');
  const words = (JSON.parse(status.stdout) as { packages: { status: string }[] }).packages.map(
    (p) => p.status,
  );
  expect(words).toContain('waiting');
  await until(() => ids.every((id) => site.state(id).last?.outcome === 'synced'), 'all of them', 90);

  let most = 0;
  const running = new Set<string>();
  for (const line of log()) {
    const id = line.slice(2);
    if (line.startsWith('+')) running.add(id);
    else running.delete(id);
    most = Math.max(most, running.size);
    for (const host of ['u0', 'u1', 'u2']) {
      const same = [...running].filter((other) => upstream(other).startsWith(host));
      expect(same.length, line).toBeLessThanOrEqual(2);
    }
  }
  expect(log()).toHaveLength(60);
  expect(most).toBeLessThanOrEqual(5);
  expect(most).toBeGreaterThanOrEqual(3);
  one.child.kill('SIGTERM');
  expect(await one.ended).toBe(0);
}, 150_000);
