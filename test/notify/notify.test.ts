import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lines, machine, script, until, type Machine } from '../daemon/machine.js';

/** Notices through real channels: a program, a web server, a program in sendmail's place that keeps what it gets. */
let site: Machine;
let server: Server;
let posted: { body: Record<string, unknown>; headers: IncomingMessage['headers']; url: string }[];
let answer: number;

beforeEach(async () => {
  site = machine();
  posted = [];
  answer = 200;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => {
      posted.push({
        body: JSON.parse(body) as Record<string, unknown>,
        headers: request.headers,
        url: request.url ?? '',
      });
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await site.remove();
});

const at = (name: string): string => join(site.root, name);
const webhook = (): string =>
  `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/hooks/s3cret`;

function program(name: string, text: string): string {
  writeFileSync(at(name), `#!/bin/sh\n${text}\n`);
  chmodSync(at(name), 0o755);
  return at(name);
}

/** A package that fails while the file `ok` is not there; `extra` more of them. */
async function applied(notify: object, scheduler = 'daemon'): Promise<void> {
  site.config(
    {
      debian: script(
        'debian',
        '[ -e $FLAGS/ok ] || { echo "no route to upstream" >&2; exit 69; }; : >$MIRROR_DST/file',
      ),
    },
    { notify, scheduler, localtimezone: 'Asia/Seoul' },
  );
  const { code, stderr } = await site.run('apply');
  expect(code, stderr).toBe(0);
}

const fail = (): Promise<unknown> => site.run('run', 'debian');
async function succeed(): Promise<void> {
  writeFileSync(at('ok'), '');
  expect((await site.run('run', 'debian')).code).toBe(0);
  spawnSync('rm', [at('ok')]);
}

describe('a notice', () => {
  test('is sent after so many failures in a row, once, and once when it is over', async () => {
    const command = [program('tell', `echo "$MIRROR_EVENT $MIRROR_PACKAGE $MIRROR_ERRORS" >>${at('told')}`)];
    await applied({ after_failures: 3, command });
    const ticks = async (): Promise<string[]> => {
      await site.run('publish');
      await site.run('publish');
      return lines(at('told'));
    };
    await fail();
    await fail();
    expect(await ticks()).toEqual([]);
    await succeed();
    await fail();
    await fail();
    expect(await ticks()).toEqual([]);
    await fail();
    expect(await ticks()).toEqual(['failure debian 3']);
    await fail();
    expect(await ticks()).toEqual(['failure debian 3']);
    await succeed();
    expect(await ticks()).toEqual(['failure debian 3', 'recovery debian 0']);
    expect(existsSync(site.layout.incidentFile('debian'))).toBe(false);
    for (let i = 0; i < 3; i += 1) await fail();
    expect(await ticks()).toEqual(['failure debian 3', 'recovery debian 0', 'failure debian 3']);
  }, 120_000);

  test('reaches a program with its facts, a mailbox and a web server, and holds no secret', async () => {
    const command = [program('tell', `env | grep ^MIRROR_ >${at('env')}; cat >${at('json')}`), 'word'];
    const sendmail = program('sendmail', `echo "$*" >${at('arguments')}; cat >${at('mail')}`);
    await applied({ after_failures: 1, command, mail: 'admin@mirror.test', sendmail, webhook: webhook() });
    expect(statSync(`${site.layout.secrets}/notify.webhook`).mode & 0o777).toBe(0o600);
    expect(readFileSync(site.layout.siteFile, 'utf8')).not.toContain('s3cret');
    await fail();
    expect((await site.run('publish')).stderr).toBe('');
    const log = site.state('debian').last?.log ?? '';
    expect(lines(at('env'))).toEqual(
      expect.arrayContaining([
        'MIRROR_EVENT=failure',
        'MIRROR_PACKAGE=debian',
        'MIRROR_OUTCOME=failed',
        `MIRROR_LOG=${log}`,
      ]),
    );
    const body = posted[0]?.body;
    expect(body).toMatchObject({ format: 'mirror/notice/1', event: 'failure', package: 'debian', errors: 1 });
    expect(body?.text).toContain('debian (debian) on mirror.example.edu: an attempt failed: ');
    expect(posted[0]).toMatchObject({
      url: '/hooks/s3cret',
      headers: { 'content-type': 'application/json' },
    });
    expect(JSON.parse(readFileSync(at('json'), 'utf8'))).toEqual(body);
    expect(readFileSync(at('arguments'), 'utf8')).toBe('-i -- admin@mirror.test\n');
    const mail = readFileSync(at('mail'), 'utf8');
    expect(mail).toMatch(
      /^To: admin@mirror\.test\nSubject: \[Example\] debian: failing\nDate: .* \+0000\nMessage-ID: </,
    );
    expect(mail).toContain(`\n\n${String(body?.text)}\n`);
    // Programs get UTC, people the clock of the site.
    expect(body).toMatchObject({ timezone: 'Asia/Seoul', since: expect.stringMatching(/Z$/) as string });
    const seoul = new Date(Date.parse(String(body?.since)) + 9 * 3_600_000).toISOString();
    expect(mail).toContain(`\nsince: ${seoul.slice(0, 19).replace('T', ' ')} Asia/Seoul\n`);
    expect(mail).not.toMatch(/:\d\d(\.\d+)?Z/);
    for (const text of [mail, JSON.stringify(body), readFileSync(at('env'), 'utf8')])
      expect(text).not.toContain('s3cret');
  });

  test('that a channel refuses is sent again by the next tick, through that channel alone', async () => {
    const command = [program('tell', `echo x >>${at('told')}`)];
    await applied({ after_failures: 1, command, webhook: webhook() });
    answer = 503;
    await fail();
    const { stderr, code } = await site.run('publish');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^mirror: notice: webhook: 127\.0\.0\.1:\d+: HTTP 503\n$/);
    answer = 204;
    await site.run('publish');
    await site.run('publish');
    expect(posted).toHaveLength(2);
    expect(lines(at('told'))).toEqual(['x']);
  });

  test('is not lost when its sender is killed before it is written down', async () => {
    const command = [
      program(
        'tell',
        `echo x >>${at('told')}; [ -e ${at('again')} ] || { : >${at('again')}; kill -9 $PPID; }`,
      ),
    ];
    await applied({ after_failures: 1, command });
    await fail();
    await site.run('publish');
    await site.run('publish');
    await site.run('publish');
    expect(lines(at('told'))).toEqual(['x', 'x']);
  });

  test('is not sent twice by two senders at a time', async () => {
    const command = [program('tell', `sleep 0.5; echo x >>${at('told')}`)];
    await applied({ after_failures: 1, command });
    await fail();
    await Promise.all([site.run('publish'), site.run('publish'), site.run('notify')]);
    expect(lines(at('told'))).toEqual(['x']);
  });

  test('that takes for ever, or cannot be sent at all, holds nothing up', async () => {
    await applied({
      after_failures: 1,
      command: ['/nowhere/tell'],
      mail: 'root',
      sendmail: program('sendmail', 'exit 75'),
    });
    await fail();
    const { code, stderr } = await site.run('publish');
    expect(code).toBe(0);
    expect(stderr).toContain('notice: command: /nowhere/tell: spawn /nowhere/tell ENOENT');
    expect(stderr).toContain('exit 75');
  });

  test('is kept back while the package is held, and its end is told all the same', async () => {
    const command = [program('tell', `echo "$MIRROR_EVENT" >>${at('told')}`)];
    await applied({ after_failures: 1, command });
    await fail();
    await site.run('hold', 'debian', '--reason', 'upstream moves');
    await site.run('publish');
    expect(lines(at('told'))).toEqual([]);
    await site.run('unhold', 'debian');
    await site.run('publish');
    await succeed();
    await site.run('hold', 'debian', '--reason', 'again');
    await site.run('publish');
    expect(lines(at('told'))).toEqual(['failure', 'recovery']);
  });

  test('comes from the daemon by itself', async () => {
    const command = [program('tell', `echo "$MIRROR_EVENT" >>${at('told')}`)];
    await applied({ after_failures: 1, command });
    await fail();
    const one = site.daemon();
    await until(() => lines(at('told')).length === 1, 'the notice');
    one.child.kill('SIGTERM');
    await one.ended;
    expect(lines(at('told'))).toEqual(['failure']);
  });

  test('can be tried, and says where it did not arrive', async () => {
    mkdirSync(at('secret'));
    writeFileSync(at('secret/hook'), `${webhook()}\n`, { mode: 0o600 });
    await applied({ webhook_file: at('secret/hook'), command: ['/bin/false'] });
    const { code, stdout, stderr } = await site.run('notify', '--test');
    expect({ code, stdout, stderr }).toEqual({
      code: 69,
      stdout: 'test by webhook\n',
      stderr: 'mirror: notice: command: /bin/false: exit 1\n',
    });
    expect(posted[0]?.body).toMatchObject({ event: 'test', mirrorname: 'Example' });
    expect((await site.run('notify', '--json')).stdout).toBe(
      '{\n  "format": "mirror/notify/1",\n  "sent": [],\n  "problems": []\n}\n',
    );
  });
});

describe('a config', () => {
  const problem = async (notify: object): Promise<string> => {
    site.config({ debian: script('debian', 'true') }, { notify });
    return (await site.run('validate')).stdout;
  };

  test('that reaches nobody, or two URLs, is refused; a URL in it is a warning that does not show it', async () => {
    expect(await problem({ after_failures: 2 })).toContain('error[notify-nobody]');
    expect(await problem({ command: ['tell'] })).toContain('error[notify-command]');
    expect(await problem({ webhook: webhook(), webhook_file: '/etc/hook' })).toContain('error[two-webhooks]');
    expect(await problem({ mail: '-oQ/tmp root' })).toContain('error[');
    const literal = await problem({ webhook: webhook() });
    expect(literal).toContain('warning[literal-webhook]');
    expect(literal).not.toContain('s3cret');
  });
});
