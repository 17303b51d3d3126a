import type { Owner, System } from '../system/system.js';

/** One step of an apply that a journal can take back. */
export type Operation =
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly content: string;
      readonly mode: number;
      /** Without it an existing file keeps its owner and a new one is the caller's. */
      readonly owner?: Owner;
      /** Not remembered by its hash. */
      readonly secret?: true;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number; readonly owner?: Owner };

/** Does it. Throws the system's error. */
export function perform(operation: Operation, system: System): void {
  switch (operation.kind) {
    case 'write':
      system.writeFile(operation.path, operation.content, operation.mode);
      if (operation.owner) system.chown(operation.path, operation.owner);
      return;
    case 'link':
      system.symlink(operation.path, operation.target);
      return;
    case 'unlink':
      system.unlink(operation.path);
      return;
    case 'directory':
      system.makeDirectory(operation.path, operation.mode);
      if (operation.owner) system.chown(operation.path, operation.owner);
      return;
  }
}
