import type { Reader } from '../system/system.js';

/** What a JSON file holds; null where there is none, or it cannot be understood. Throws the system's error. */
export function readJson(path: string, system: Reader): unknown {
  const text = system.read(path) ?? 'null';
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
