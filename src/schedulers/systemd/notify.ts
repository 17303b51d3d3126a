import type { Layout } from '../../job/layout.js';
import type { Site } from '../../model/site.js';
import { webhookFile } from '../../model/notify.js';
import { templates } from './templates.js';

/** What the units may use beside their site. */
interface Context {
  readonly layout: Layout;
  readonly executable: string;
}

/**
 * The unit that sends notices, name → content; none where nobody is to be told. Runs and the tick see the need, but their
 * sandbox stops what sends mail (set-group-id programs) and what a command may want: they touch a marker, and this unit,
 * without a sandbox and as the mirror user, does the telling.
 */
export function notifyUnits(site: Site, { layout, executable }: Context): ReadonlyMap<string, string> {
  if (site.settings.notify === null) return new Map();
  const { uid, gid } = site.settings;
  const webhook = webhookFile(site, layout);
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
        sandbox: null,
      }),
    ],
  ]);
}
