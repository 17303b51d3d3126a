import { bandersnatch } from './bandersnatch.js';
import { aptMirror } from './apt-mirror.js';
import { command } from './command.js';
import { debmirror } from './debmirror.js';
import { git } from './git.js';
import { jigdo } from './jigdo.js';
import { lftp } from './lftp.js';
import { ftpsync } from './ftpsync.js';
import { local } from './local.js';
import type { SyncMethod } from './method.js';
import { quickFedora } from './quick-fedora.js';
import { reposync } from './reposync.js';
import { rsync } from './rsync.js';
import { ubuntu } from './ubuntu.js';

/** Every sync method, by `synctype`. Adding one: src/README.md. */
export const methods: ReadonlyMap<string, SyncMethod> = new Map(
  [
    aptMirror,
    bandersnatch,
    command,
    debmirror,
    ftpsync,
    git,
    jigdo,
    lftp,
    local,
    quickFedora,
    reposync,
    rsync,
    ubuntu,
  ].map((method) => [method.name, method]),
);
