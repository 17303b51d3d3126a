import {
  literalPassword,
  noPasswordInOtherUrls,
  onePassword,
  runsAsRoot,
  secretInEnvironment,
  sharedGroup,
} from './accounts.js';
import { plainWords } from './arguments.js';
import { dstOfStatusFile, logsInDst, nestedSource, sameDst, systemDst } from './directories.js';
import { filesAreApart } from './files.js';
import { idIsKey, idsDifferInCase, renamedFromIsGone, reservedId } from './identity.js';
import { legacyKeys, pluginsAreIgnored } from './legacy.js';
import { logsAreApart, logsHaveDirectories, logsOfRunsAreApart, siteLogIsApart } from './logs.js';
import { fftsHasFile, onePrecheckFile, precheckIsUsed } from './precheck.js';
import { literalWebhook, notifyReachesSomebody } from './notify.js';
import type { Rule } from './rule.js';
import { sourcesAreClear } from './source-urls.js';
import { fastRetry, knownTimeZone, retryOrder, tooFastForUpstream } from './timing.js';

/** Every check beyond the schemas; the order does not matter. */
export const rules: Readonly<Record<string, Rule>> = {
  dstOfStatusFile,
  fastRetry,
  fftsHasFile,
  filesAreApart,
  idIsKey,
  idsDifferInCase,
  knownTimeZone,
  legacyKeys,
  literalPassword,
  literalWebhook,
  noPasswordInOtherUrls,
  logsAreApart,
  logsHaveDirectories,
  logsOfRunsAreApart,
  logsInDst,
  nestedSource,
  notifyReachesSomebody,
  plainWords,
  onePassword,
  onePrecheckFile,
  pluginsAreIgnored,
  precheckIsUsed,
  renamedFromIsGone,
  reservedId,
  retryOrder,
  runsAsRoot,
  sameDst,
  secretInEnvironment,
  sharedGroup,
  siteLogIsApart,
  sourcesAreClear,
  systemDst,
  tooFastForUpstream,
};
