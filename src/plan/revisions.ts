import type { Artifact } from '../compile/artifact.js';
import { assemble, type Intent } from './assemble.js';
import { changes } from './changes.js';
import { NO_PERMISSIONS } from './guards.js';
import { EMPTY_MANIFEST, nextManifest } from './manifest.js';
import type { Actual, Plan } from './plan.js';

/** The plan that leads from one compiled site to another, on a machine where the first one was applied untouched. */
export function between(before: Intent, after: Intent, at: number): Plan {
  const byPath = new Map(before.artifacts.map((artifact) => [artifact.path, artifact]));
  const manifest = nextManifest(EMPTY_MANIFEST, before.artifacts, []);
  const seen = {
    manifest,
    changes: changes(after.artifacts, manifest, (path) => asApplied(byPath.get(path))),
    destinations: new Map(),
    machine: { other: null, record: null },
    host: null,
    now: at,
  };
  return assemble(after, seen, NO_PERMISSIONS, at);
}

function asApplied(artifact: Artifact | undefined): Actual {
  if (!artifact) return { kind: 'absent' };
  return artifact.kind === 'link'
    ? { kind: 'link', target: artifact.target }
    : { kind: 'file', mode: artifact.mode, content: artifact.content };
}
