// Written by `npm run generate`.
import type { JsonSchema } from './json-schema.js';
import aptMirrorMethod from '../../schemas/methods/apt-mirror.schema.json' with { type: 'json' };
import bandersnatchMethod from '../../schemas/methods/bandersnatch.schema.json' with { type: 'json' };
import commandMethod from '../../schemas/methods/command.schema.json' with { type: 'json' };
import debmirrorMethod from '../../schemas/methods/debmirror.schema.json' with { type: 'json' };
import ftpsyncMethod from '../../schemas/methods/ftpsync.schema.json' with { type: 'json' };
import gitMethod from '../../schemas/methods/git.schema.json' with { type: 'json' };
import jigdoMethod from '../../schemas/methods/jigdo.schema.json' with { type: 'json' };
import lftpMethod from '../../schemas/methods/lftp.schema.json' with { type: 'json' };
import localMethod from '../../schemas/methods/local.schema.json' with { type: 'json' };
import quickFedoraMethod from '../../schemas/methods/quick-fedora.schema.json' with { type: 'json' };
import reposyncMethod from '../../schemas/methods/reposync.schema.json' with { type: 'json' };
import rsyncMethod from '../../schemas/methods/rsync.schema.json' with { type: 'json' };
import ubuntuMethod from '../../schemas/methods/ubuntu.schema.json' with { type: 'json' };

/** Schema of each sync method's options. */
export const methodSchemas: ReadonlyMap<string, JsonSchema> = new Map<string, JsonSchema>([
  ['apt-mirror', aptMirrorMethod],
  ['bandersnatch', bandersnatchMethod],
  ['command', commandMethod],
  ['debmirror', debmirrorMethod],
  ['ftpsync', ftpsyncMethod],
  ['git', gitMethod],
  ['jigdo', jigdoMethod],
  ['lftp', lftpMethod],
  ['local', localMethod],
  ['quick-fedora', quickFedoraMethod],
  ['reposync', reposyncMethod],
  ['rsync', rsyncMethod],
  ['ubuntu', ubuntuMethod],
]);
