import { basename } from 'node:path';
import { adoption } from '../plan/adopt.js';
import { manifestText, nextManifest } from '../plan/manifest.js';
import type { Artifact, FileArtifact } from '../compile/artifact.js';
import type { Intent } from '../plan/assemble.js';
import type { Change, Manifest, Plan } from '../plan/plan.js';
import type { Reader } from '../system/system.js';
import type { Operation } from './operation.js';

/**
 * File changes of a plan without refusals, in an order in which what wakes a package (unit, cron line) never exists
 * without its job: jobs first when they come, last when they go. Drifted files are overwritten; with `adopt` their edit
 * lands in a drop-in. The manifest comes last.
 */
export function artifactOperations(
  plan: Plan,
  { layout, artifacts }: Intent,
  old: Manifest,
  adopt: boolean,
  system: Reader,
): Operation[] {
  const isInner = ({ path }: Operation): boolean => path.startsWith(`${layout.root}/etc/mirror/`);
  const all = plan.changes.flatMap((change) => operations(change, old, adopt, system));
  const [come, go] = [
    all.filter(({ kind }) => kind !== 'unlink'),
    all.filter(({ kind }) => kind === 'unlink'),
  ];
  const inner = (list: readonly Operation[]): Operation[] => list.filter(isInner);
  const outer = (list: readonly Operation[]): Operation[] => list.filter((operation) => !isInner(operation));
  const texts = new Map(
    come.flatMap((operation) =>
      operation.kind === 'write' ? [[operation.path, operation.content] as const] : [],
    ),
  );
  const textOf = (artifact: FileArtifact): string => texts.get(artifact.path) ?? artifact.content;
  const next = nextManifest(old, artifacts, plan.changes, textOf);
  const manifest = {
    kind: 'write',
    path: layout.manifest,
    content: manifestText(next),
    mode: 0o644,
  } as const;
  return [...inner(come), ...outer(come), ...outer(go), ...inner(go), ...(next === old ? [] : [manifest])];
}

/**
 * Units that the changes enable or disable: the names of links in `*.wants` directories, and timers and sockets whose file
 * goes: one that somebody disabled may still be active. A socket that changes is both: systemd takes up its owner and mode
 * only when it makes it anew.
 */
export function enablement(changes: readonly Change[]): { start: string[]; stop: string[] } {
  const created = changes.flatMap(({ kind, path }) =>
    kind === 'create' && IS_ENABLING.test(path) ? [basename(path)] : [],
  );
  const remade = changes.flatMap((change) => {
    const again = change.kind === 'update' || (change.kind === 'drifted' && change.after !== null);
    return again && change.path.endsWith('.socket') ? [basename(change.path)] : [];
  });
  const gone = changes.flatMap((change) => {
    const goes = change.kind === 'delete' || (change.kind === 'drifted' && change.after === null);
    const wakes = IS_ENABLING.test(change.path) || /\.(timer|socket)$/.test(change.path);
    return goes && wakes ? [basename(change.path)] : [];
  });
  return { start: [...new Set([...created, ...remade])], stop: [...new Set([...remade, ...gone])] };
}

/** A link by which something wants a unit. */
const IS_ENABLING = /\.wants\/[^/]+$/;

function operations(change: Change, old: Manifest, adopt: boolean, system: Reader): Operation[] {
  switch (change.kind) {
    case 'create':
    case 'update':
      return [write(change.after)];
    case 'delete':
      return [{ kind: 'unlink', path: change.path }];
    case 'drifted': {
      if (!change.after) return [{ kind: 'unlink', path: change.path }];
      const edit = adopt ? adoption(change, old) : null;
      if (edit === null) return [write(change.after)];
      return [
        { kind: 'write', path: freeDropIn(change.path, system), content: edit, mode: 0o644 },
        write(change.after),
      ];
    }
    case 'unchanged':
    case 'in-the-way':
      return [];
  }
}

function write(artifact: Artifact): Operation {
  if (artifact.kind === 'link') return { kind: 'link', path: artifact.path, target: artifact.target };
  const { path, content, mode, secret } = artifact;
  return { kind: 'write', path, content, mode, ...(secret && { secret }) };
}

/** `50-adopted.conf`, or the next number that nobody uses: drop-ins belong to the admin once they are there. */
function freeDropIn(unit: string, system: Reader): string {
  for (let number = 50; ; number += 1) {
    const path = `${unit}.d/${String(number)}-adopted.conf`;
    if (system.actual(path).kind === 'absent') return path;
  }
}
