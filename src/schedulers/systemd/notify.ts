import type { Layout } from '../../job/layout.js';
import type { Site } from '../../model/site.js';
import { webhookFile } from '../../model/notify.js';
import { notifySandbox } from './sandbox.js';
import { templates } from './templates.js';

/** What the units may use beside their site. */
interface Context {
  readonly layout: Layout;
  readonly executable: string;
}

/**
 * Returns the unit that sends notices, name → content; none if the config has no `notify`. Runs and the tick see the need,
 * but their sandbox denies them the network or the files that a mail program or a command needs: they touch a marker, and
 * this unit, in a wider sandbox and as the mirror user, sends.
 */
export function notifyUnits(site: Site, { layout, executable }: Context): ReadonlyMap<string, string> {
  if (site.settings.notify === null) return new Map();
  const { uid, gid } = site.settings;
  const webhook = webhookFile(site, layout);
  const walls = notifySandbox(site.settings.notify);
  return new Map([
    [
      'mirror-notify.path',
      templates.path({
        config: site.configPath,
        unit: 'mirror-notify.path',
        description: `Notices of ${site.mirrorname} that are due`,
        watched: layout.noticesMarker,
      }),
    ],
    [
      'mirror-notify.service',
      templates.service({
        config: site.configPath,
        unit: 'mirror-notify.service',
        description: `Notices of ${site.mirrorname}`,
        documentation: null,
        mounts: [layout.state],
        executable,
        arguments: 'notify',
        publish: false,
        publishAs: '',
        type: 'oneshot',
        limit: 'TimeoutStartSec',
        timeout: '1h',
        timeoutStop: '30s',
        user: uid,
        group: gid,
        supplementaryGroup: null,
        umask: '0002',
        identifier: 'mirror-notify',
        credentials: webhook === null ? [] : [{ name: 'webhook', file: webhook }],
        resources: '',
        sandbox: walls === null ? null : { writable: [], walls },
      }),
    ],
  ]);
}
