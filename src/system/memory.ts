import { dirname, resolve } from 'node:path';
import type { CommandResult, Entry, FileFacts, Owner, System } from './system.js';

/** One thing in a memory system's tree. Directories are implied by what lies in them, or explicit. */
export type Node = (
  | { readonly kind: 'file'; readonly content: string; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'directory'; readonly mode: number }
) &
  Partial<Owner>;

export interface MemorySystem extends System {
  readonly tree: Map<string, Node>;
  /** Command lines of `run`, in order. */
  readonly ran: string[];
}

interface World {
  readonly users?: Readonly<Record<string, Owner>>;
  readonly uid?: number;
  readonly now?: number;
  /** Paths that another user than root can lead elsewhere. */
  readonly unsteady?: readonly string[];
  /** Answers programs; default: they succeed silently. */
  readonly program?: (argv: readonly string[]) => Partial<CommandResult>;
}

/** A machine of values, for tests: the same port over a map from path to node. Changes need an existing parent. */
export function memorySystem(tree: Map<string, Node> = new Map(), world: World = {}): MemorySystem {
  const ran: string[] = [];
  const answer = (argv: readonly string[]): Promise<CommandResult> =>
    Promise.resolve({ code: 0, stdout: '', stderr: '', ...world.program?.(argv) });
  const node = (path: string): Node | undefined => tree.get(path) ?? implied(tree, path);
  /** Where the last name's link leads; links in the middle of a path are beyond this machine. */
  const follow = (path: string): string => {
    const found = node(path);
    return found?.kind === 'link' ? follow(resolve(dirname(path), found.target)) : path;
  };
  const needParent = (path: string): void => {
    if (node(dirname(path))?.kind !== 'directory') throw new Error(`ENOENT: no such directory, ${path}`);
  };
  const owner = (path: string): Owner => ({ uid: node(path)?.uid ?? 0, gid: node(path)?.gid ?? 0 });
  const listed = (path: string): Entry[] => {
    const prefix = path === '/' ? '/' : `${path}/`;
    const names = new Set([...tree.keys()].filter((p) => p.startsWith(prefix)).map((p) => first(p, prefix)));
    return [...names].map((name) => ({ name, kind: entryKind(node(prefix + name)) }));
  };

  return {
    tree,
    ran,
    actual: (path) => {
      const found = node(path);
      if (!found) return { kind: 'absent' };
      if (found.kind === 'file') return { kind: 'file', mode: found.mode, content: found.content };
      return found.kind === 'link'
        ? { kind: 'link', target: found.target }
        : { kind: 'other', what: 'directory' };
    },
    read: (path) => {
      const found = node(follow(path));
      return found?.kind === 'file' ? found.content : null;
    },
    facts: (path): FileFacts | null => {
      const target = follow(path);
      const found = node(target);
      return found && found.kind !== 'link' ? { kind: found.kind, mode: found.mode, ...owner(target) } : null;
    },
    isSteady: (path) => world.unsteady?.includes(path) !== true,
    realPath: (path) => (node(follow(path)) ? follow(path) : null),
    list: (path, limit) => listed(path).slice(0, limit),
    user: (name) => (typeof name === 'number' ? { uid: name, gid: name } : (world.users?.[name] ?? null)),
    group: (name) => (typeof name === 'number' ? name : (world.users?.[name]?.gid ?? null)),
    query: answer,
    stage: () => ({ directory: '/stage', remove: () => undefined }),
    uid: () => world.uid ?? 0,
    now: () => world.now ?? 0,
    writeFile: (path, content, mode, given = owner(path)) => {
      needParent(path);
      tree.set(path, { kind: 'file', content, mode, uid: given.uid, gid: given.gid });
    },
    symlink: (path, target) => {
      needParent(path);
      tree.set(path, { kind: 'link', target });
    },
    unlink: (path) => void tree.delete(path),
    makeDirectory: (path, mode) => {
      needParent(path);
      if (!node(path)) tree.set(path, { kind: 'directory', mode });
    },
    removeDirectory: (path) => {
      if (listed(path).length === 0) tree.delete(path);
    },
    together: (action) => action(),
    chown: (path, to) => {
      const found = node(path);
      if (found) tree.set(path, { ...found, ...to });
    },
    chmod: (path, mode) => {
      const found = node(path);
      if (found && found.kind !== 'link') tree.set(path, { ...found, mode });
    },
    run: (argv) => {
      ran.push(argv.join(' '));
      return answer(argv);
    },
    askAs: null,
    lock: () => ({ release: () => undefined }),
  };
}

function implied(tree: Map<string, Node>, path: string): Node | undefined {
  const prefix = path === '/' ? '/' : `${path}/`;
  for (const key of tree.keys()) if (key.startsWith(prefix)) return { kind: 'directory', mode: 0o755 };
  return path === '/' ? { kind: 'directory', mode: 0o755 } : undefined;
}

function first(path: string, prefix: string): string {
  return path.slice(prefix.length).split('/')[0] ?? '';
}

function entryKind(node: Node | undefined): Entry['kind'] {
  return node?.kind === 'link' || !node ? 'other' : node.kind;
}
