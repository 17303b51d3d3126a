import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noBed } from '../bed/bed.js';
import { MirrorClient } from '../../src/control/client.js';
import { bootPushSite, type PushSite } from './push-site.js';

describe.skipIf(noBed !== null)(
  `the control socket on a live systemd${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let site: PushSite;
    let path: string;
    const processes = (): string[] =>
      site.bed
        .must('systemctl', 'list-units', '--plain', '--no-legend', 'mirror-control@*', 'mirror-start@*')
        .split('\n')
        .filter((line) => / (running|failed) /.test(line));

    beforeAll(async () => {
      site = await bootPushSite(['debian', 'gtk+', 'quiet', 'stopped']);
      path = join(site.bed.root, 'run/mirror/control.sock');
    });
    afterAll(() => site.stop());

    it('is there with its owner, group and mode, and nothing of ours runs', () => {
      const stat = site.bed.must(
        'stat',
        '-c',
        '%U:%G %a',
        '/run/mirror/control.sock',
        '/run/mirror/start.sock',
      );
      expect(stat).toBe('mirror:operators 660\nmirror:mirror 660\n');
      expect(site.bed.must('stat', '-c', '%U:%G %a', '/run/mirror')).toBe('root:root 755\n');
      expect(processes()).toEqual([]);
    });

    it('answers the typed client, and leaves no process behind', async () => {
      const client = await MirrorClient.connect({ path });
      expect(client.server).toMatchObject({ app_name: 'mirror', protocol_version: 1, is_server: true });
      expect(await client.ping()).toBe('pong');
      expect((await client.list()).map(({ id }) => id)).toEqual(['debian', 'gtk+', 'quiet', 'stopped']);
      const status = await client.status(['debian']);
      expect(status).toMatchObject({
        format: 'mirror/status/1',
        packages: [{ id: 'debian', status: 'never ran' }],
      });
      await expect(client.status(['nix'])).rejects.toMatchObject({ status: 404 });
      await expect(client.startSync('../../etc/passwd')).rejects.toMatchObject({ status: 404 });
      await expect(client.request('exec', { argv: ['touch', '/tmp/x'] })).rejects.toMatchObject({
        status: 404,
      });
      client.close();
      await site.until(() => processes().length === 0, 'the server is gone');
    });

    it('starts a named package for somebody of its group, without sudo and polkit, and says who asked', async () => {
      site.block('debian');
      const { status, stdout, stderr } = site.as('ada', 'push', 'debian');
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'debian: requested\n', stderr: '' });
      await site.until(() => site.runs('debian') === 1, 'debian runs');
      // The running one holds the lock, so that this request stays to be looked at.
      site.as('ada', 'push', 'debian', '--debounce', 'PT0S');
      expect(JSON.parse(site.read('/var/lib/mirror/request/debian.json'))).toMatchObject({
        by: 'ada by the control socket',
        push: true,
      });
      site.release('debian');
      await site.until(() => site.runs('debian') === 2 && site.state('debian').run === null, 'one more');
      expect(site.state('debian').last).toMatchObject({ outcome: 'synced', trigger: 'push' });
    });

    it('lets the mirror user start units, ids that a unit name cannot hold included', async () => {
      expect(site.as('mirror', 'start', 'gtk+')).toMatchObject({ status: 0, stderr: '' });
      await site.until(() => site.state('gtk+').last !== null, 'gtk+ ran');
    });

    it('stops a running sync for the group', async () => {
      site.block('stopped');
      site.as('ada', 'start', 'stopped');
      await site.until(() => site.runs('stopped') === 1, 'it runs');
      expect(site.as('ada', 'stop', 'stopped')).toMatchObject({ status: 0, stdout: 'stopped: stopped\n' });
      expect(site.state('stopped').last).toMatchObject({ outcome: 'stopped' });
    });

    it('does not let others in, and tells them what helps', () => {
      const { status, stderr } = site.as('outsider', 'push', 'quiet');
      expect(status).toBe(77);
      expect(stderr).toContain('use sudo, or let your group in with `settings.socket`');
      expect(site.has('/var/lib/mirror/request/quiet.json')).toBe(false);
      expect(site.as('outsider', 'status', 'quiet')).toMatchObject({ status: 0 });
    });

    it('answers status where the state is closed to people', () => {
      site.bed.must('chmod', 'o-rwx', '/var/lib/mirror/state');
      const { status, stdout, stderr } = site.as('ada', 'status', 'quiet');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^quiet +never ran/m);
      expect(site.as('ada', 'status', '--check', 'quiet').stdout).toMatch(/^MIRROR WARNING - .*never ran/);
      expect(site.as('outsider', 'status', 'quiet').status).toBe(77);
      site.bed.must('chmod', 'o+rx', '/var/lib/mirror/state');
    });

    it('respects a hold', async () => {
      site.bed.must('/opt/mirror/dist/mirror.cjs', 'hold', 'quiet');
      const client = await MirrorClient.connect({ path });
      await expect(client.startSync('quiet')).rejects.toMatchObject({ status: 409 });
      client.close();
      site.bed.must('/opt/mirror/dist/mirror.cjs', 'unhold', 'quiet');
    });

    it('does nothing for root’s half but start and stop applied packages', async () => {
      const ask = (text: string): Promise<string> =>
        new Promise((done) => {
          const socket = connect(join(site.bed.root, 'run/mirror/start.sock'));
          let said = '';
          socket.on('data', (data) => (said += data.toString()));
          socket.on('error', () => done('error'));
          socket.on('close', () => done(said));
          socket.end(text);
        });
      expect(await ask('start nix\n')).toBe('no package nix is applied here\n');
      expect(await ask('start ../quiet\n')).toBe('expected: start ID or stop ID\n');
      expect(await ask('start mirror-tick.service\n')).toBe(
        'no package mirror-tick.service is applied here\n',
      );
      expect(await ask('isolate rescue\n')).toBe('expected: start ID or stop ID\n');
      expect(await ask(`start ${'x'.repeat(500)}\n`)).toBe('');
      expect(await ask('')).toBe('');
      expect(await ask('start quiet')).toBe('');
      const started = (): string =>
        site.bed.must('journalctl', '-o', 'cat', '-u', 'mirror-sync-quiet.service');
      expect(started()).not.toContain('Deactivated');
      expect(await ask('start quiet\n')).toBe('ok\n');
      await site.until(
        () => started().includes('mirror-sync-quiet.service: Deactivated successfully'),
        'its unit ran',
      );
      // A unit started without a request finds nothing due.
      expect(site.runs('quiet')).toBe(0);
    });

    it('runs both halves walled in: the server as the mirror user, root’s half without a capability', async () => {
      const client = await MirrorClient.connect({ path });
      const [unit = ''] = /mirror-control@\S+/.exec(processes().join('\n')) ?? [];
      const pid = site.bed.must('systemctl', 'show', '-P', 'MainPID', unit).trim();
      const status = site.read(`/proc/${pid}/status`);
      const uid = site.bed.must('id', '-u', 'mirror').trim();
      expect(status).toMatch(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t`, 'm'));
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      client.close();
      const starter = connect(join(site.bed.root, 'run/mirror/start.sock'));
      await site.until(() => processes().some((line) => line.includes('mirror-start@')), 'the starter');
      const [half = ''] = /mirror-start@\S+/.exec(processes().join('\n')) ?? [];
      const root = site.bed.must('systemctl', 'show', '-P', 'MainPID', half).trim();
      await site.until(
        () => site.read(`/proc/${root}/status`).startsWith('Name:\tnode'),
        'the program itself',
      );
      const his = site.read(`/proc/${root}/status`);
      expect(his).toMatch(/^Uid:\t0\t0\t/m);
      for (const set of ['CapEff', 'CapPrm', 'CapBnd'])
        expect(his).toMatch(new RegExp(`^${set}:\\t0+$`, 'm'));
      starter.destroy();
    });

    describe.each([
      ['control.sock', 'ada', ['push', 'quiet', '--debounce', 'PT0S'], 'mirror-control'],
      ['start.sock', 'mirror', ['start', 'quiet'], 'mirror-start'],
    ])('%s, 64 places of which one user holds', (socket, user, words, unit) => {
      const place = (): string => join(site.bed.root, 'run/mirror', socket);

      it('serves another user, and soon the same one, time and again', async () => {
        const ask = (): number => {
          const began = performance.now();
          const { status, stderr } = site.as(user, ...words);
          expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
          return performance.now() - began;
        };
        for (let round = 0; round < 2; round += 1) {
          const holders = Array.from({ length: 64 }, () => connect(place()).on('error', () => undefined));
          await site.until(() => processes().length > 0, 'they are let in');
          await site.until(() => processes().length <= 16, 'one user has his share');
          // Once, silent clients kept all others out for 30 s. The crowd's own processes take seconds of a busy machine.
          expect(ask()).toBeLessThan(15_000);
          for (const holder of holders) holder.destroy();
        }
        await site.until(() => processes().length === 0, 'all are free');
        expect(site.bed.must('systemctl', 'is-active', `${unit}.socket`).trim()).toBe('active');
      });
    });

    it('serves a user whose own idle connections have taken all places', async () => {
      const holders = Array.from({ length: 64 }, () => connect(path).on('error', () => undefined));
      await site.until(() => processes().length > 0, 'they are let in');
      const client = await MirrorClient.connect({ path });
      expect(await client.ping()).toBe('pong');
      client.close();
      for (const holder of holders) holder.destroy();
      await site.until(() => processes().length === 0, 'all are free');
    });

    it('is made anew when its mode changes, and goes with the scheduler', () => {
      const inode = statSync(path).ino;
      expect(site.apply((config) => (config.settings.socket = { mode: '0600' })).status).toBe(0);
      expect(site.bed.must('stat', '-c', '%U:%G %a', '/run/mirror/control.sock')).toBe('mirror:mirror 600\n');
      expect(statSync(path).ino).not.toBe(inode);
      expect(site.as('ada', 'push', 'quiet').status).toBe(77);
      const again = site.apply();
      expect(again.status).toBe(0);
      expect(site.bed.must('systemctl', 'is-active', 'mirror-control.socket').trim()).toBe('active');
      expect(site.apply((config) => (config.settings.scheduler = 'crontab')).status).toBe(0);
      expect(site.has('/run/mirror/control.sock')).toBe(false);
      expect(site.bed.run('systemctl', 'is-active', 'mirror-control.socket').stdout.trim()).toBe('inactive');
    });
  },
);
