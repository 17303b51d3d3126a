import type { Reader } from '../system/system.js';

/** What a JSON file holds; null where there is none, or it cannot be understood. */
export function readJson(path: string, system: Reader): unknown {
  try {
    return JSON.parse(system.read(path) ?? 'null');
  } catch {
    return null;
  }
}
