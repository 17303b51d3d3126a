import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Seat } from '../../src/control/connection.js';
import { acceptConnections, keepSeat, MAX_CONNECTIONS } from '../../src/daemon/connections.js';
import { layout as layoutOf } from '../../src/job/layout.js';
import type { SiteFile } from '../../src/job/site-file.js';
import { living } from './world.js';

interface Served {
  readonly seat: Seat;
  readonly heard: string[];
  readonly end: () => void;
}

describe('a full control socket', () => {
  let root: string;
  let hangUp: () => void;
  /** One for each connection that a process was started for, in their order. */
  let served: Served[];

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'mirror-connections-'));
    served = [];
    hangUp = await acceptConnections(layoutOf(root), {} as SiteFile, (_, seat) => {
      const heard: string[] = [];
      const child = living(1, (name) => {
        heard.push(name);
        child.end();
      });
      served.push({ seat, heard, end: child.end });
      return child;
    });
    for (let i = 0; i < MAX_CONNECTIONS; i += 1) await knock();
    expect(served).toHaveLength(MAX_CONNECTIONS);
  });
  afterEach(() => {
    hangUp();
    rmSync(root, { recursive: true });
  });

  /** Resolves when the listener has let go of the connection: a child has it now, and the children here have none. */
  const knock = async (): Promise<void> => {
    const socket = connect({ path: layoutOf(root).controlSocket });
    await new Promise((done) => socket.once('close', done));
  };
  const order = (index: number, ...orders: string[]): void => {
    for (const each of orders) expect(keepSeat((served[index] as Served).seat, each)).toBe(true);
  };
  const ended = (): number[] => served.flatMap(({ heard }, index) => (heard.length > 0 ? [index] : []));

  test('gives a newcomer the place of the connection that was silent for longest', async () => {
    await knock();
    await knock();
    expect(ended()).toEqual([0, 1]);
    expect(served).toHaveLength(MAX_CONNECTIONS + 2);
  });

  test('spares a connection that has asked something longer, and one that waits for its answer', async () => {
    order(0, 'busy');
    order(1, 'busy', 'silent');
    for (let i = 2; i < MAX_CONNECTIONS; i += 1) await knock();
    expect(ended()).toEqual(Array.from({ length: MAX_CONNECTIONS - 2 }, (_, i) => i + 2));
  });

  test('drops a newcomer when every place has an answer in work, until one is free', async () => {
    for (let i = 0; i < MAX_CONNECTIONS; i += 1) order(i, 'silent', 'busy');
    await knock();
    expect([ended(), served.length]).toEqual([[], MAX_CONNECTIONS]);
    served[3]?.end();
    await new Promise((next) => setImmediate(next));
    await knock();
    expect(served).toHaveLength(MAX_CONNECTIONS + 1);
  });

  test('keeps seats by no other words', () => {
    expect(keepSeat({ requests: 0, silentSince: null }, 'start debian')).toBe(false);
  });
});
