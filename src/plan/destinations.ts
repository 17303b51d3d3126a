import { giveTreesTo } from '../boundary/advice.js';
import { moveAway } from '../job/move-away.js';
import { EXIT } from '../job/outcome.js';
import type { Permissions } from './guards.js';
import type { Destination, Observation, SharedTree } from './observation.js';
import type { Refusal } from './plan.js';

/** What becomes of a package's dst, for people. */
export function dstNotes(destination: Destination): string[] {
  const { job, before, found, refetch } = destination;
  if (refetch) return [`${job.dst} is ${found.kind === 'missing' ? 'created' : 'empty'} and filled anew`];
  const moved = before && before.dst !== job.dst ? [`dst moves from ${before.dst} to ${job.dst}`] : [];
  switch (found.kind) {
    case 'directory':
      return before && moved.length === 0 ? [] : [...moved, `${job.dst} is adopted, ${contents(found)}`];
    case 'missing':
      return isCreated(destination)
        ? [...moved, `${job.dst} is created for ${String(job.run_as.user)}`]
        : moved;
    case 'no-directory':
    case 'behind-link':
      return moved;
  }
}

/** Whether apply has to make this dst. */
export function isCreated({ found, mounted }: Destination): boolean {
  return found.kind === 'missing' && found.parent && mounted;
}

/** Whether runs of a package that was synced before are to fill its dst from nothing: a new place, or a new disk. */
export function startsEmpty(destination: Destination): boolean {
  return destination.refetch || movesToEmpty(destination);
}

function movesToEmpty({ job, before, found }: Destination): boolean {
  const empty = found.kind === 'missing' || (found.kind === 'directory' && found.files === 0);
  return before !== null && before.dst !== job.dst && empty;
}

/** Reasons not to touch or not to make a dst. */
export function dstRefusals(
  { destinations, host, sharedTrees = [] }: Observation,
  permissions: Permissions,
): Refusal[] {
  const own = [...destinations.values()].flatMap((destination) => [
    ...placeRefusals(destination),
    ...(host?.live ? ownerRefusals(destination, host.users) : []),
    ...(permissions.refetch ? [] : refetchRefusals(destination)),
  ]);
  return [...sharedTrees.map(sharedRefusal), ...own];
}

function sharedRefusal({ kind, id, path, other, dst }: SharedTree): Refusal {
  const refuse = (message: string, help: string): Refusal => ({
    code: kind,
    exit: EXIT.config,
    message,
    help,
  });
  const whose = id === other ? 'its own dst' : `the dst of ${other}`;
  switch (kind) {
    case 'same-dst':
      return refuse(
        `${id}: ${path} is the same directory as ${dst}, ${whose}`,
        'give each package a directory of its own',
      );
    case 'nested-dst':
      return refuse(
        `${id}: ${path} lies in ${dst}, ${whose}, by another path`,
        `write both paths without links, so that the sync of ${other} leaves this tree alone`,
      );
    case 'nested-src':
      return refuse(
        `${id}: its source ${path} and ${dst}, ${whose}, are one tree or lie in each other`,
        'use a source outside of every dst',
      );
  }
}

function placeRefusals({ job, found, mounted }: Destination): Refusal[] {
  const refuse = (message: string, help: string): Refusal[] => [
    { code: 'dst', exit: EXIT.needsPerson, message: `${job.id}: ${message}`, help },
  ];
  const mount = job.guard.mount ?? '';
  if (!mounted) return refuse(`nothing is mounted at ${mount} (guard.mount)`, `mount ${mount}`);
  if (found.kind === 'no-directory')
    return refuse(`${job.dst} is no directory`, 'move it away or change `dst`');
  if (found.kind === 'behind-link')
    return refuse(
      `${job.dst} lies behind ${found.path}, a link of uid ${String(found.uid)}, which root does not follow`,
      'name the directory itself in `dst`, or make one in place of the link',
    );
  if (found.kind === 'directory' || found.parent) return [];
  const parent = job.dst.replace(/\/[^/]+\/?$/, '') || '/';
  return refuse(`${job.dst} cannot be created: ${parent} does not exist`, `mkdir -p ${parent}`);
}

/**
 * A dst of another user's cannot be written, nor what the package keeps beside it. Root writes anywhere, and a package
 * without commands writes nothing.
 */
function ownerRefusals(
  { job, found, kept }: Destination,
  users: ReadonlyMap<string | number, { uid: number }>,
): Refusal[] {
  const uid = users.get(job.run_as.user)?.uid;
  const writes = job.attempts.some(({ steps }) => steps.some(({ kind }) => kind === 'exec'));
  if (uid === undefined || uid === 0 || !writes) return [];
  const { user, group } = job.run_as;
  const dst =
    found.kind === 'directory' ? [{ path: job.dst, uid: found.owner.uid, isSteady: found.isSteady }] : [];
  const foreign = [...dst, ...kept].filter((place) => place.uid !== uid);
  const [first] = foreign;
  if (!first) return [];
  const paths = foreign.map(({ path }) => path);
  return [
    {
      code: 'dst-owner',
      exit: EXIT.needsPerson,
      message: `${job.id}: ${paths.join(', ')} ${foreign.length > 1 ? 'belong' : 'belongs'} to uid ${String(first.uid)}, but its runs are ${String(user)}'s`,
      help: giveTreesTo(foreign, `${String(user)}:${String(group)}`),
    },
  ];
}

function refetchRefusals(destination: Destination): Refusal[] {
  const { job, before, found, hasContent, refetch } = destination;
  const refuse = (message: string, help: string): Refusal[] => [
    {
      code: 'refetch',
      exit: EXIT.needsPerson,
      message: `${job.id}: ${message}: everything would be downloaded again`,
      help: `${help}, or allow the download with --refetch`,
    },
  ];
  if (refetch) {
    const state = found.kind === 'missing' ? 'missing' : 'empty';
    return refuse(`${job.dst} is ${state}, and it has been synced before`, 'put its files back there');
  }
  if (!before || !movesToEmpty(destination) || !hasContent) return [];
  return refuse(
    `dst moves from ${before.dst} to ${job.dst}, which is empty`,
    `move the files first (${moveAway(before.dst, job.dst)})`,
  );
}

function contents({ files, more }: { files: number; more: boolean }): string {
  if (files === 0) return 'empty';
  return `${more ? 'more than ' : ''}${String(files)} ${files === 1 ? 'file' : 'files'}`;
}
