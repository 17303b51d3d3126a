import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';

/**
 * Loads a CommonJS bundle as `require` does, but with what V8 made of it when `precompile.ts` ran: to parse and compile it
 * again is a fifth of what a run costs. Without such a file for this very Node it is `require`; so it is when the file is
 * damaged, and when the bundle is the newer of the two, because V8 tells sources apart by their length only. What V8 does
 * not take it passes over.
 */
export function requirePrecompiled(path: string, require: Require): unknown {
  const before = loaded.get(path);
  if (before) return before.exports;
  const cachedData = readCompiled(path);
  if (cachedData === null) return require(path);
  const module = { exports: {} };
  loaded.set(path, module);
  const requireThere: Require = (id) =>
    id.startsWith('./') ? requirePrecompiled(join(dirname(path), id), require) : require(id);
  (scriptOf(path, cachedData).runInThisContext() as Wrapper)(module.exports, requireThere, module);
  return module.exports;
}

const loaded = new Map<string, { readonly exports: object }>();

type Require = (id: string) => unknown;
type Wrapper = (exports: object, require: Require, module: { exports: object }) => void;

/**
 * What a cache file holds: the compiled form twice. V8 trusts the bytes that it gets, and one flipped bit kills the process,
 * at every run. To compare two copies takes a tenth of a millisecond; a checksum in JavaScript, or Node's modules that have
 * one, would take several.
 */
export function sealCompiled(compiled: Buffer): Buffer {
  return Buffer.concat([compiled, compiled]);
}

/** The compiled form of a bundle; null where there is none, or one that is older than the bundle or damaged. */
function readCompiled(path: string): Buffer | null {
  try {
    const cache = cacheOf(path);
    if (statSync(cache).mtimeMs < statSync(path).mtimeMs) return null;
    const sealed = readFileSync(cache);
    const half = sealed.length / 2;
    return Number.isInteger(half) && sealed.compare(sealed, half, sealed.length, 0, half) === 0
      ? sealed.subarray(0, half)
      : null;
  } catch {
    return null;
  }
}

/** Where the compiled form of a bundle is; V8 looks at its own version by itself, but not at the kind of processor. */
export function cacheOf(path: string): string {
  return `${path}.${process.version}-${process.arch}.cache`;
}

/** A bundle as a function that is not called yet. esbuild writes ASCII, which is read fastest as what it is. */
export function scriptOf(path: string, cachedData?: Buffer): Script {
  const source = `(function(exports,require,module){${readFileSync(path, 'latin1')}\n})`;
  // The name becomes part of the compiled form, and that may move.
  return new Script(source, { filename: basename(path), cachedData });
}
