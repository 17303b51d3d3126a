import type { Finding } from '../../diagnostics/diagnostic.js';
import type { CheckedSite } from '../rules/rule.js';
import { codeInEnvironment } from './environment.js';
import type { HazardRule } from './hazard.js';
import { ownPrograms } from './programs.js';
import { foreignSecretFiles } from './secret-files.js';
import { codeInWords } from './words.js';

const HAZARDS: readonly HazardRule[] = [codeInEnvironment, codeInWords, foreignSecretFiles, ownPrograms];

/**
 * Returns warnings for what makes a config more than a list of mirrors: programs, variables, options and files by which
 * its author runs code or reads secrets. A pull request that adds one needs a reviewer who knows that. `isStrict` adds what
 * sites may well want.
 */
export function findHazards(site: CheckedSite, isStrict: boolean): Finding[] {
  return HAZARDS.flatMap((rule) => rule(site)).flatMap(({ said, finding }) =>
    isStrict || said === 'always' ? [finding] : [],
  );
}
