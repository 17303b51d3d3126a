import { stateDirectories, type Layout } from '../job/layout.js';
import { isCreated } from '../plan/destinations.js';
import type { Observation } from '../plan/observation.js';
import type { Owner, Reader } from '../system/system.js';
import type { Operation } from './operation.js';

/**
 * The directories that an apply makes: each package's missing dst, and mirror's own below `--root`. A dst is root's until
 * everything inside is made, and is handed over last, the innermost first.
 */
export function placeOperations(layout: Layout, seen: Observation, system: Reader): Operation[] {
  // By path, so that a dst in another one comes after it.
  const created = [...seen.destinations.values()]
    .filter(isCreated)
    .map(({ job }) => job)
    .sort((a, b) => (a.dst < b.dst ? -1 : 1));
  const made = created.map(({ dst }): Operation => ({ kind: 'directory', path: dst, mode: 0o755 }));
  const given = created.flatMap(({ dst, run_as }): Operation[] => {
    const owner = seen.host?.live ? ownerOf(run_as.user, run_as.group, system) : undefined;
    return owner ? [{ kind: 'hand-over', path: dst, owner }] : [];
  });
  return [...ownDirectories(layout), ...made, ...given.reverse()];
}

/** Makes below `--root` what `mirror setup` makes on the live system. */
function ownDirectories(layout: Layout): Operation[] {
  const { root, compiled, secrets } = layout;
  if (root === '') return [];
  return [
    { kind: 'directory', path: `${compiled}/jobs`, mode: 0o755 },
    { kind: 'directory', path: secrets, mode: 0o700 },
    ...stateDirectories(layout).map(({ path, mode }): Operation => ({
      kind: 'directory',
      path,
      mode: mode & 0o775,
    })),
  ];
}

function ownerOf(user: string | number, group: string | number, system: Reader): Owner | undefined {
  const [owner, gid] = [system.user(user), system.group(group)];
  return owner ? { uid: owner.uid, gid: gid ?? owner.gid } : undefined;
}
