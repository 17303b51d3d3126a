import type { Layout } from '../../job/layout.js';
import type { Site } from '../../model/site.js';
import { controlSandbox } from './sandbox.js';
import { templates } from './templates.js';

/** What the control units may use beside their site. */
interface Context {
  readonly layout: Layout;
  readonly executable: string;
}

/** Connections at a time; the next one is dropped at once. The server of `mirror daemon` has as many. */
const CONNECTIONS = 64;

/** Those of one user. Before version 257 systemd counts internet addresses only, so the server counts as well. */
const CONNECTIONS_PER_USER = 16;

/** Longer than the server gives a connection by itself: then it hangs. */
const RUNTIME = '10min';

/**
 * The control socket and its two halves, name → content. What strangers send is read as the mirror user, who may write
 * requests and stops; starting units takes root, and root (`mirror-start`) reads one line, from the mirror user's group
 * only, and has no capability. Both are started for each connection and stay for none.
 */
export function controlUnits(site: Site, { layout, executable }: Context): ReadonlyMap<string, string> {
  const { uid, gid, socket } = site.settings;
  const config = site.configPath;
  const listening = { config, connections: CONNECTIONS, perUser: CONNECTIONS_PER_USER };
  const serving = { config, executable, runtime: RUNTIME, group: gid };
  return new Map([
    [
      'mirror-control.socket',
      templates.socket({
        ...listening,
        unit: 'mirror-control.socket',
        description: `Control socket of ${site.mirrorname}`,
        listen: layout.controlSocket,
        user: socket.uid,
        group: socket.gid,
        mode: socket.mode,
      }),
    ],
    [
      'mirror-control@.service',
      templates.control({
        ...serving,
        unit: 'mirror-control@.service',
        description: `Control of ${site.mirrorname}`,
        arguments: 'control --peer=%i',
        user: uid,
        identifier: 'mirror-control',
        walls: controlSandbox(uid, layout),
        // It looks whether executors live, which are in user namespaces of their own.
        isRoot: false,
      }),
    ],
    [
      'mirror-start.socket',
      templates.socket({
        ...listening,
        unit: 'mirror-start.socket',
        description: `Starts and stops packages of ${site.mirrorname} for its user`,
        listen: layout.starterSocket,
        user: uid,
        group: gid,
        mode: '0660',
      }),
    ],
    [
      'mirror-start@.service',
      templates.control({
        ...serving,
        unit: 'mirror-start@.service',
        description: `Starts or stops a package of ${site.mirrorname}`,
        arguments: 'control --starter --peer=%i',
        user: 'root',
        identifier: 'mirror-start',
        walls: controlSandbox('root', layout),
        isRoot: true,
      }),
    ],
  ]);
}
