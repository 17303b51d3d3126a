import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** What becomes of the bytes that upstream sends. */
export interface Fault {
  /** Bytes of upstream's answers, over all connections, after which `then` happens. */
  readonly after: number;
  /** `cut`: connections end, new ones are refused. `hang`: nothing more comes, connections stay open. */
  readonly then: 'cut' | 'hang';
}

export interface FaultProxy {
  readonly port: number;
  /** Changes what happens from now on; null lets everything through. Counts anew. */
  set(fault: Fault | null): void;
  stop(): Promise<void>;
}

/** A TCP proxy on a free port of the loopback before a real server, which fails as networks do. */
export async function startFaultProxy(target: number): Promise<FaultProxy> {
  let fault: Fault | null = null;
  let passed = 0;
  const sockets = new Set<Socket>();
  const broken = (): boolean => fault !== null && passed >= fault.after;
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    client.on('close', () => sockets.delete(client));
    if (broken() && fault?.then === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => {
      sockets.delete(upstream);
      client.end();
    });
    client.on('close', () => upstream.destroy());
    client.pipe(upstream);
    upstream.on('data', (data) => {
      const room = fault === null ? data.length : Math.max(0, fault.after - passed);
      passed += data.length;
      if (room > 0) client.write(data.subarray(0, room));
      if (broken() && fault?.then === 'cut') client.resetAndDestroy();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      fault = next;
      passed = 0;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
