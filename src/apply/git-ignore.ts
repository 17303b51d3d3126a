import type { Layout } from '../job/layout.js';
import type { Reader, System } from '../system/system.js';
import type { Operation } from './operation.js';

/** Keeps what lies in a directory, and the file itself, out of a git repository around it: /etc/mirror may be one. */
const CONTENT = '# Written by mirror: `git add` takes nothing of this directory.\n*\n';

/** Directories of secrets and of generated files, which lie beside the config. */
function ignoredDirectories({ compiled, secrets }: Layout): string[] {
  return [compiled, secrets];
}

function ignoreFile(directory: string): string {
  return `${directory}/.gitignore`;
}

/** Writes for the ignore files that are missing; one with other words is an administrator's and stays. */
export function gitIgnoreOperations(layout: Layout, system: Reader): Extract<Operation, { kind: 'write' }>[] {
  return ignoredDirectories(layout)
    .map(ignoreFile)
    .filter((path) => system.actual(path).kind === 'absent')
    .map((path) => ({ kind: 'write', path, content: CONTENT, mode: 0o644 }));
}

/** Removes an ignore file that is all that is left in its directory, so that the directory can go, too. */
export function removeLastGitIgnore(directory: string, layout: Layout, system: System): void {
  if (!ignoredDirectories(layout).includes(directory) || system.list(directory, 2).length !== 1) return;
  const actual = system.actual(ignoreFile(directory));
  if (actual.kind === 'file' && actual.content === CONTENT) system.unlink(ignoreFile(directory));
}
