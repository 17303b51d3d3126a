import type { Layout } from '../job/layout.js';
import type { Intent } from '../plan/assemble.js';
import type { MachineRecord, MachineSeen } from '../plan/observation.js';
import { isMountPoint } from '../run/mounts.js';
import { isTime } from '../state/package-state.js';
import { sha256 } from '../system/digest.js';
import type { Reader } from '../system/system.js';
import { readJson } from './read-json.js';

const FORMAT = 'mirror/machine/1';
const ID_FILE = '/etc/machine-id';

/** Where an apply leaves word of the machine whose states lie here. */
export function machineRecordPath({ state }: Pick<Layout, 'state'>): string {
  return `${state}/machine.json`;
}

/**
 * Looks whether the states are another machine's: process ids and boots of that one mean nothing here, and both would sync.
 * Not asked below `--root`, which may become any machine's; of the daemon, whose containers come and go, and which holds a
 * lock on the state directory; and where the machine has no id of its own that lasts.
 */
export function lookAtMachine({ site, layout }: Intent, system: Reader): MachineSeen {
  const id = layout.root === '' && site.settings.scheduler !== 'daemon' ? machineId(system) : null;
  if (id === null) return { other: null, record: null };
  const found = readJson(machineRecordPath(layout), system);
  const recorded = isRecord(found) ? found : null;
  if (recorded?.id === id) return { other: null, record: null };
  const record: MachineRecord = { format: FORMAT, id, node: site.node, since: system.now() };
  return { other: recorded, record };
}

/**
 * The machine's id, hashed because machine-id(5) wants it kept from strangers; null if there is none. One that is mounted
 * over its file is of this boot, or of this container, only.
 */
function machineId(system: Reader): string | null {
  const id = (system.read(ID_FILE) ?? '').trim();
  if (!/^[0-9a-f]{32}$/.test(id)) return null;
  return isMountPoint(ID_FILE, system.read('/proc/self/mountinfo') ?? '') ? null : sha256(`mirror ${id}`);
}

/** The mirror user may have written anything there. */
function isRecord(value: unknown): value is MachineRecord {
  const { format, id, node, since } = (value ?? {}) as Partial<Record<keyof MachineRecord, unknown>>;
  return format === FORMAT && typeof id === 'string' && typeof node === 'string' && isTime(since);
}
