import type { SyncMethod } from './method.js';
import { untoldPassword } from './password.js';

/** A tree that this host itself is the master of: a run only says whether it is there (mirror.py's `local`). */
export const local: SyncMethod = {
  name: 'local',
  tools: () => [],
  check: untoldPassword,
  steps: (pkg) => [{ kind: 'require-directory', path: pkg.dst }],
};
