import { setFlagsFromString } from 'node:v8';
import { cacheOf, scriptOf, sealCompiled } from './precompiled.js';
import { writeFileAtomic } from './system/atomic.js';

/**
 * `node precompile.cjs` compiles the bundles beside it for the Node that runs it; the build and the Debian package's
 * installation call it. Whoever puts another Node under the program may do so again; a run only starts slower without.
 */
for (const name of ['run', 'special', 'publish', 'control']) {
  const path = `${__dirname}/${name}.cjs`;
  // Every function, not only those that loading calls. V8 compares flags with its caches', so this one is taken back.
  setFlagsFromString('--no-lazy');
  const script = scriptOf(path);
  setFlagsFromString('--lazy');
  writeFileAtomic(cacheOf(path), sealCompiled(script.createCachedData()), 0o644);
}
