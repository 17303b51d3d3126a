import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { noSshd, startSshd } from '../support/sshd.js';
import type { Sshd } from '../support/sshd.js';
import { methodSite } from './site.js';

const site = methodSite();
const upstream = mkdtempSync(join(tmpdir(), 'mirror-upstream-'));
writeFileSync(join(upstream, 'a'), 'content of a\n');

afterAll(() => {
  site.remove();
  rmSync(upstream, { recursive: true, force: true });
});

/** Applies and runs one package of rsync; what became of it. */
async function synced(
  id: string,
  src: string,
  network: object,
  options: object = {},
): Promise<Record<string, unknown>> {
  const settings = { src, options: { timeout: 10, ...options } };
  await site.apply({ [id]: { synctype: 'rsync', network, settings } });
  const { code } = await site.run(id);
  const { outcome, failure, reason } = site.state(id).last ?? {};
  return { code, outcome, failure, reason, files: readdirSync(site.dst(id)) };
}

describe.skipIf(noSshd !== null)(`rsync over ssh${noSshd === null ? '' : ` (skipped: ${noSshd})`}`, () => {
  let sshd: Sshd;
  let src: string;

  beforeAll(async () => {
    sshd = await startSshd();
    src = `${sshd.user}@127.0.0.1:${upstream}`;
  });
  afterAll(() => sshd.stop());

  const ssh = (change: object = {}): object => ({
    ssh: { key: sshd.key, known_hosts: sshd.knownHosts, port: sshd.port, ...change },
  });

  test('logs in with the key, at the port, to the known host, and leaves no connection behind', async () => {
    expect(await synced('key', src, ssh())).toMatchObject({ code: 0, outcome: 'synced', files: ['a'] });
    expect(commandLines().filter((words) => words.includes(sshd.knownHosts))).toEqual([]);
  });

  test('works in stages', async () => {
    const options = { stage_set: { index: ['/a'] } };
    expect(await synced('staged', src, ssh(), options)).toMatchObject({ code: 0, files: ['a'] });
  });

  test('takes the user from the options', async () => {
    const end = await synced('user', `127.0.0.1:${upstream}`, ssh(), { user: sshd.user });
    expect(end).toMatchObject({ code: 0, files: ['a'] });
  });

  test('comes from the address that is asked for', async () => {
    expect(await synced('bound', src, { ...ssh(), bind: '127.0.0.7', family: 'ipv4' })).toMatchObject({
      code: 0,
    });
    expect(sshd.log()).toContain('from 127.0.0.7 port');
  });

  test('a key that is not let in needs a person, who reads why', async () => {
    const end = await synced('stranger', src, ssh({ key: sshd.otherKey }));
    expect(end).toMatchObject({ code: 77, failure: 'auth', files: [] });
    expect(end.reason).toContain('Permission denied (publickey)');
    expect(site.log('stranger')).toContain('Permission denied (publickey)');
  });

  test('a host with another key than is known is not believed', async () => {
    const end = await synced('spoofed', src, ssh({ known_hosts: sshd.otherHosts }));
    expect(end).toMatchObject({ code: 77, failure: 'auth', files: [] });
    expect(end.reason).toContain('Host key verification failed');
  });

  test('a port where nobody listens is unavailable', async () => {
    const end = await synced('nobody', src, ssh({ port: 1 }));
    expect(end).toMatchObject({ code: 69, failure: 'unavailable' });
    expect(end.reason).toContain('Connection refused');
  });

  test('a directory that is not there is a failure with its name', async () => {
    const end = await synced('missing', `${src}/nowhere`, ssh());
    expect(end).toMatchObject({ outcome: 'failed' });
    expect(end.reason).toContain('nowhere');
  });
});

describe('an rsync daemon', () => {
  let rsyncd: Rsyncd;

  beforeAll(async () => {
    const options = { 'hosts allow': '127.0.0.9' };
    rsyncd = await startRsyncd({ open: { path: upstream }, far: { path: upstream, options } });
  });
  afterAll(() => rsyncd.stop());

  test('sees the address that is asked for', async () => {
    const bound = { bind: '127.0.0.9' };
    expect(await synced('bound', rsyncd.url('far'), bound)).toMatchObject({ code: 0, files: ['a'] });
    expect(await synced('unbound', rsyncd.url('far'), {})).toMatchObject({ code: 77, failure: 'auth' });
  });

  test('is asked over the family that is asked for only', async () => {
    const src = rsyncd.url('open').replace('127.0.0.1', 'localhost');
    expect(await synced('ipv4', src, { family: 'ipv4' })).toMatchObject({ code: 0, files: ['a'] });
    expect(await synced('ipv6', src, { family: 'ipv6' })).toMatchObject({ code: 69, failure: 'unavailable' });
  });
});

/** Command lines of all processes there are. */
function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    });
}
