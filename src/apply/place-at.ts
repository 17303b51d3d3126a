import type { Place } from '../boundary/advice.js';
import type { Reader } from '../system/system.js';

/** What a path leads to, for advice about it; root's when nothing is there. */
export function placeAt(path: string, system: Reader): Place {
  const { uid = 0, gid = 0 } = system.facts(path) ?? {};
  return { path: system.realPath(path) ?? path, isSteady: system.isSteady(path), uid, gid };
}
