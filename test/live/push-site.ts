import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootBed, type Answer, type Bed } from '../bed/bed.js';
import { BED, installProgram, MIRROR } from '../bed/site.js';
import { siteConfig } from '../support/site-config.js';

/** Says that it runs, then waits for the file `go` in dst if there is one named `wait`. */
const GATE = `#!/bin/sh
echo "$(date +%s.%N)" >>runs
while [ -e wait ] && ! [ -e go ]; do sleep 0.05; done
`;

/** A site of packages that run `GATE`, applied in a bed, with three people: `mirror`, `ada` (let in), `outsider`. */
export interface PushSite {
  readonly bed: Bed;
  /** Runs `mirror` as that user. */
  as(user: string, ...args: string[]): Answer;
  write(path: string, content: string, mode?: number): void;
  read(path: string): string;
  has(path: string): boolean;
  /** How many syncs of the package began. */
  runs(id: string): number;
  /** Makes the next syncs of the package wait until `release`. */
  block(id: string): void;
  release(id: string): void;
  state(id: string): {
    run: object | null;
    last: { trigger: string; outcome: string; started: number } | null;
  };
  until(condition: () => boolean, what: string, seconds?: number): Promise<void>;
  apply(change?: (config: Config) => void): Answer;
  stop(): Promise<void>;
}

interface Config {
  settings: Record<string, unknown>;
  packages: Record<string, object>;
}

/** Boots a bed and applies a site of these packages. */
export async function bootPushSite(ids: readonly string[]): Promise<PushSite> {
  const bed = await bootBed();
  const { write, read, exists: has } = bed;
  const dst = (id: string): string => `/srv/ftp/${id}`;
  const config: Config = {
    settings: {
      scheduler: 'systemd',
      executable: MIRROR,
      uid: 'mirror',
      gid: 'mirror',
      socket: { gid: 'operators', mode: '0660' },
    },
    packages: Object.fromEntries(ids.map((id) => [id, packageOf(id, dst(id))])),
  };
  const configure = (): void =>
    write('/etc/mirror/config.json', JSON.stringify(siteConfig(config.packages, config.settings, BED)));
  const apply: PushSite['apply'] = (change) => {
    change?.(config);
    configure();
    return bed.run(MIRROR, 'apply');
  };
  try {
    installProgram(bed);
    write('/opt/mirror/gate', GATE, 0o755);
    mkdirSync(join(bed.root, 'srv/ftp'), { recursive: true });
    bed.must('groupadd', 'operators');
    bed.must('useradd', '--create-home', '--shell', '/bin/sh', '--groups', 'operators', 'ada');
    bed.must('useradd', '--create-home', '--shell', '/bin/sh', 'outsider');
    configure();
    bed.must(MIRROR, 'setup');
    const applied = apply();
    if (applied.status !== 0) throw new Error(applied.stdout + applied.stderr);
  } catch (error) {
    await bed.stop();
    throw error;
  }
  return {
    bed,
    as: (user, ...args) => bed.run('runuser', '-u', user, '--', MIRROR, ...args),
    write,
    read,
    has,
    runs: (id) =>
      has(`${dst(id)}/runs`)
        ? read(`${dst(id)}/runs`)
            .trimEnd()
            .split('\n').length
        : 0,
    block: (id) => write(`${dst(id)}/wait`, ''),
    release: (id) => write(`${dst(id)}/go`, ''),
    state: (id) =>
      has(`/var/lib/mirror/state/${id}.json`)
        ? (JSON.parse(read(`/var/lib/mirror/state/${id}.json`)) as ReturnType<PushSite['state']>)
        : { run: null, last: null },
    until: async (condition, what, seconds = 20) => {
      for (let tries = 0; !condition(); tries += 1) {
        if (tries > seconds * 20)
          throw new Error(
            `waited in vain: ${what}\n${bed.run('journalctl', '--no-pager', '-n', '60', '-o', 'short').stdout}`,
          );
        await sleep(50);
      }
    },
    apply,
    stop: () => bed.stop(),
  };
}

function packageOf(id: string, dst: string): object {
  return {
    name: id,
    id,
    href: `/${id}`,
    synctype: 'command',
    syncrate: 'PUSH',
    link: [],
    guard: { min_free: '0%' },
    settings: { hidden: false, src: '', dst, options: { command: ['/opt/mirror/gate'] } },
  };
}
