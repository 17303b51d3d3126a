import type { Owner, System } from '../system/system.js';

/** What an apply writes into the state directory is the group's to replace: packages of several users repair their states. */
export const STATE_MODE = 0o664;

/** One step of an apply that a journal can take back. */
export type Operation =
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly content: string;
      readonly mode: number;
      /** Not remembered by its hash. */
      readonly secret?: true;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  /** Gives away a directory that the same apply made, after all that it made inside. Taken back with the directory. */
  | { readonly kind: 'hand-over'; readonly path: string; readonly owner: Owner };

/** Does it. Throws the system's error. */
export function perform(operation: Operation, system: System): void {
  switch (operation.kind) {
    case 'write':
      system.writeFile(operation.path, operation.content, operation.mode);
      return;
    case 'link':
      system.symlink(operation.path, operation.target);
      return;
    case 'unlink':
      system.unlink(operation.path);
      return;
    case 'directory':
      system.makeDirectory(operation.path, operation.mode);
      return;
    case 'hand-over':
      system.chown(operation.path, operation.owner);
      return;
  }
}
