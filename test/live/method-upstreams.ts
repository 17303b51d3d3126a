import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { makeAptRepo, makeSigningKey, noise } from '../support/apt-repo.js';
import { writeFileList } from '../support/file-list.js';
import { makeRepository } from '../support/git-server.js';
import { BANDERSNATCH, pypiTree } from '../support/pypi.js';
import { makeRpmRepo } from '../support/rpm-repo.js';
import type { Bed } from '../bed/bed.js';
import type { LiveSite } from '../bed/site.js';

/** Below which every upstream lies, in a bed. */
export const UPSTREAM = '/srv/upstream';
export const PASSWORD = "it's a $ecret %h";

/** Ports of the servers that choose their own. */
export interface Ports {
  readonly ftp: number;
  readonly pypi: number;
}

/** Makes a tree for each method's upstream; of one archive for all that mirror apt, and of one key. */
export function makeUpstreams(bed: Bed): void {
  // Not in the bed: apt-ftparchive asks for real paths.
  const top = mkdtempSync(join(tmpdir(), 'mirror-upstream-'));
  const put = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), content);
  };
  put('tree/file', 'a file\n');
  put('tree/below/file', 'another\n');
  const key = makeSigningKey();
  try {
    const debian = makeAptRepo(join(top, 'debian'));
    for (const name of ['bash', 'dash']) debian.add(name, '1.0');
    debian.publish(key);
    put('debian/project/trace/master', 'Mon Nov 23 02:05:09 UTC 2026\nArchive serial: 2026112301\n');
    const rocky = makeRpmRepo(join(top, 'rocky'), key);
    rocky.add('bash', '1.0');
    rocky.publish(key);
    for (const [name, path] of [
      ['public.gpg', key.keyring],
      ['public.asc', key.armored],
    ] as const)
      put(name, readFileSync(path));
  } finally {
    key.remove();
  }
  put('buffet/fedora/linux/a.rpm', 'a package\n');
  writeFileList(join(top, 'buffet/fedora'), 'fullfiletimelist-fedora');
  makeRepository(join(top, 'hello.git')).git('update-server-info');
  const pypi = pypiTree(join(top, 'pypi'));
  pypi.release('alpha', '1.0');
  makeImage(top, put);
  chmodSync(top, 0o755);
  cpSync(top, join(bed.root, UPSTREAM), {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
  });
  rmSync(top, { recursive: true });
}

/** One image of a Debian CD, as jigdo file and template. */
function makeImage(top: string, put: (path: string, content: string | Buffer) => void): void {
  put('archive/pool/apt.deb', noise('apt', 60_000));
  put('image.iso', Buffer.concat([Buffer.from('an image'), readFileSync(join(top, 'archive/pool/apt.deb'))]));
  const directory = join(top, 'cd/13.1.0/amd64/jigdo-dvd');
  const name = 'debian-13.1.0-amd64-DVD-1';
  mkdirSync(directory, { recursive: true });
  execFileSync('jigdo-file', [
    ...['make-template', `--image=${top}/image.iso`, '--report=quiet', '--force'],
    ...[`--jigdo=${directory}/${name}.jigdo`, `--template=${directory}/${name}.template`],
    ...[`--label=Debian=${top}/archive`, '--uri=Debian=http://127.0.0.1:1/', `${top}/archive//`],
  ]);
  const jigdo = join(directory, `${name}.jigdo`);
  const text = readFileSync(jigdo, 'utf8')
    .replace(/^Filename=.*$/m, `Filename=${name}.iso`)
    .replace(/^Template=.*$/m, `Template=${name}.template`);
  writeFileSync(jigdo, text);
  put('cd/project/build/13.1.0/amd64', 'dvd\n');
  put('cd/13.1.0/amd64/iso-dvd/README', 'images\n');
  symlinkSync('13.1.0', join(top, 'cd/current'));
}

/** Starts a real server of each protocol inside the bed: its network has a loopback only. */
export async function serveUpstreams(bed: Bed, site: LiveSite): Promise<Ports> {
  const support = join(import.meta.dirname, '../support');
  for (const script of ['ftpd.py', 'pypid.py'])
    site.write(`/opt/servers/${script}`, readFileSync(join(support, script), 'utf8'));
  site.write('/etc/rsyncd.secrets', `me:${PASSWORD}\n`, 0o600);
  site.write(
    '/etc/rsyncd.conf',
    [
      ...['use chroot = no', 'uid = nobody', 'read only = yes'],
      ...['[pub]', `path = ${UPSTREAM}`],
      ...['[locked]', `path = ${UPSTREAM}/tree`, 'auth users = me', 'secrets file = /etc/rsyncd.secrets', ''],
    ].join('\n'),
  );
  const start = (name: string, ...argv: string[]): void => {
    const said = [`--property=StandardOutput=file:/run/${name}`, `--setenv=FTPD_PASSWORD=${PASSWORD}`];
    bed.must('systemd-run', '--quiet', `--unit=${name}`, ...said, ...argv);
  };
  start('rsyncd', 'rsync', '--daemon', '--no-detach');
  start('web', ...`/usr/bin/python3 -m http.server 8080 --bind 127.0.0.1 --directory ${UPSTREAM}`.split(' '));
  start('ftp', '/usr/bin/python3', '-W', 'ignore', '/opt/servers/ftpd.py', `${UPSTREAM}/tree`);
  start('pypi', '/usr/bin/python3', '/opt/servers/pypid.py', `${UPSTREAM}/pypi`);
  const port = (name: string): number =>
    site.exists(`/run/${name}`) ? parseInt(site.read(`/run/${name}`), 10) : 0;
  await site.until('the servers say their ports', () => port('ftp') > 0 && port('pypi') > 0);
  return { ftp: port('ftp'), pypi: port('pypi') };
}

/** Puts bandersnatch where an operator would: not below a home, which a sandbox hides. */
export function installBandersnatch(bed: Bed): void {
  const place = '/opt/bandersnatch';
  cpSync(BANDERSNATCH, join(bed.root, place), { recursive: true, verbatimSymlinks: true });
  const script = join(bed.root, place, 'bin/bandersnatch');
  writeFileSync(script, readFileSync(script, 'utf8').replace(/^#!.*/, `#!${place}/bin/python3`));
}
