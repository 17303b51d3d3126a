import { dirname } from 'node:path';
import type { Job } from '../job/job.js';
import type { SharedTree } from '../plan/observation.js';
import type { Reader } from '../system/system.js';

/**
 * Finds trees that two packages, or a package's source and a dst, have in common, by device and inode: links and bind mounts
 * give one directory several paths. `jobs` are those whose dst belongs to this machine. A dst that lies in another by its
 * path is no such tree: the compiler protects it.
 */
export function findSharedTrees(jobs: readonly Job[], system: Reader): SharedTree[] {
  const chains = new Map<string, readonly string[]>();
  const chainOf = (path: string): readonly string[] => {
    const known = chains.get(path);
    if (known) return known;
    const inode = system.facts(path)?.inode;
    const up = dirname(path);
    const above = up === path ? [] : chainOf(up);
    const chain = inode === undefined ? above : [inode, ...above];
    chains.set(path, chain);
    return chain;
  };
  /** Inodes of what a path leads to and of the directories around it; empty if nothing is there. */
  const around = (path: string): readonly string[] => {
    const real = system.realPath(path);
    return real === null || system.facts(real)?.inode === undefined ? [] : chainOf(real);
  };
  const owners = new Map<string, Job>();
  const found: SharedTree[] = [];
  for (const job of jobs) {
    const [own] = around(job.dst);
    const other = own === undefined ? undefined : owners.get(own);
    if (other) found.push({ kind: 'same-dst', id: job.id, path: job.dst, other: other.id, dst: other.dst });
    else if (own !== undefined) owners.set(own, job);
  }
  for (const job of jobs) {
    for (const inode of around(job.dst).slice(1)) {
      const outer = owners.get(inode);
      if (!outer || outer.dst === job.dst || job.dst.startsWith(`${outer.dst}/`) || outer.method === 'local')
        continue;
      found.push({ kind: 'nested-dst', id: job.id, path: job.dst, other: outer.id, dst: outer.dst });
    }
    for (const path of localSources(job)) found.push(...sourceTrees(job, path, around, owners));
  }
  return found;
}

function sourceTrees(
  job: Job,
  path: string,
  around: (path: string) => readonly string[],
  owners: ReadonlyMap<string, Job>,
): SharedTree[] {
  const chain = around(path);
  const [own] = chain;
  if (own === undefined) return [];
  const outer = chain.map((inode) => owners.get(inode)).find((owner) => owner !== undefined);
  const inner = outer ?? [...owners.values()].find(({ dst }) => around(dst).includes(own));
  if (!inner) return [];
  return [{ kind: 'nested-src', id: job.id, path, other: inner.id, dst: inner.dst }];
}

/** Directories of this machine that a job reads from. */
function localSources({ attempts }: Job): string[] {
  return attempts.flatMap(({ src }) => {
    const path = src.replace(/^file:\/\/(localhost)?(?=\/)/i, '');
    return path.startsWith('/') ? [path.replace(/(.)\/+$/, '$1')] : [];
  });
}
