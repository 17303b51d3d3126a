import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import type { PublishedPackage } from '../../src/job/site-file.js';
import { makeSite } from './site.js';

/** An applied site of the test that calls it, which is removed when that test ends. */
export function siteOfTest(...packages: readonly PublishedPackage[]): ReturnType<typeof makeSite> {
  const made = makeSite(packages);
  onTestFinished(() => rmSync(made.layout.root, { recursive: true }));
  return made;
}
