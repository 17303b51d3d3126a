import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** Whether `path` really lies below `root`, symbolic links followed as far as the path exists. */
export function isInside(path: string, root: string): boolean {
  const base = real(resolve(root));
  return `${real(resolve(path))}/`.startsWith(`${base}/`);
}

function real(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = resolve(path, '..');
    return parent === path ? path : `${real(parent).replace(/\/$/, '')}${path.slice(path.lastIndexOf('/'))}`;
  }
}
