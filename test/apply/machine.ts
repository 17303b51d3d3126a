import { compile } from '../../src/compile/index.js';
import { layout, stateDirectories } from '../../src/job/layout.js';
import type { Package, Settings } from '../../src/model/site.js';
import type { Request } from '../../src/apply/apply.js';
import { NO_PERMISSIONS } from '../../src/plan/guards.js';
import type { Intent } from '../../src/plan/assemble.js';
import { memorySystem, type MemorySystem, type Node } from '../../src/system/memory.js';
import type { CommandResult } from '../../src/system/system.js';
import { site } from '../compile/site.js';

export const EXECUTABLE = '/usr/bin/mirror';

/** A site compiled for the live system, or for `root`. */
export function intend(packages: readonly Package[], settings: Partial<Settings> = {}, root = ''): Intent {
  const compiled = site(packages, settings);
  const paths = layout(root);
  const { artifacts, jobs } = compile(compiled, { layout: paths, executable: EXECUTABLE, nameServers: [] });
  return { site: compiled, layout: paths, artifacts, jobs, executable: EXECUTABLE };
}

/** Units that the intent enables, sorted. */
export function enabled({ artifacts }: Intent): string[] {
  return artifacts.flatMap(({ path }) => /\.wants\/([^/]+)$/.exec(path)?.[1] ?? []).sort();
}

/** A request with the usual permissions. */
export function ask(permissions: Partial<Request['permissions']> = {}, rest: Partial<Request> = {}): Request {
  return {
    permissions: { ...NO_PERMISSIONS, ...permissions },
    hold: null,
    stopRemoved: false,
    by: 'alice',
    files: [],
    program: [EXECUTABLE],
    ...rest,
  };
}

const directory = (mode = 0o755): Node => ({ kind: 'directory', mode });
const tool: Node = { kind: 'file', content: '', mode: 0o755 };

export const MIRROR = { uid: 990, gid: 991 };

/** A Debian machine on which `mirror setup` ran: systemd, user mirror, tools, directories, an empty /srv/ftp. */
export function machine(
  more: Record<string, Node> = {},
  world: { now?: number; uid?: number; program?: (argv: readonly string[]) => Partial<CommandResult> } = {},
): MemorySystem {
  const paths = layout();
  const own = [paths.compiled, `${paths.compiled}/jobs`, paths.secrets, paths.state];
  const state = stateDirectories(paths).map(({ path }) => path);
  const tree = new Map<string, Node>(
    [...own, ...state, paths.units, '/etc/cron.d', '/srv/ftp', '/run/systemd/system'].map((path) => [
      path,
      directory(),
    ]),
  );
  for (const path of ['/var/www/mirror', '/var/log/mirror/packages', paths.state])
    tree.set(path, { ...directory(0o2775), ...MIRROR });
  for (const name of [
    '/usr/bin/mirror',
    '/usr/bin/rsync',
    '/usr/bin/flock',
    '/usr/bin/nice',
    '/usr/bin/ionice',
  ])
    tree.set(name, tool);
  for (const [path, node] of Object.entries(more)) tree.set(path, node);
  return memorySystem(tree, {
    users: { mirror: MIRROR, root: { uid: 0, gid: 0 } },
    now: 1_795_345_000_000,
    ...world,
  });
}

/** Everything but apply's own records of time: what two machines must have in common. */
export function picture(system: MemorySystem): Record<string, Node> {
  const entries = [...system.tree].filter(([path]) => !path.endsWith('history.jsonl'));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
