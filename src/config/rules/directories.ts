import { dirname } from 'node:path/posix';
import type { Finding } from '../../diagnostics/diagnostic.js';
import { layout } from '../../job/layout.js';
import { logBases } from '../../model/logs.js';
import { plainPath } from '../../model/path.js';
import { sourceTexts } from './source-urls.js';
import { packageError, shareMachine, type CheckedPackage, type CheckedSite } from './rule.js';

/** Trees of the system itself: a sync that deletes there ends the machine. */
const SYSTEM =
  /^\/(bin|boot|dev(?!\/shm\/)|etc|lib|lib32|lib64|proc|run|sbin|sys|usr)(\/|$)|^\/(home|root|tmp|var)?$/;

/** Where mirror itself keeps what happened: its locks and states would be deleted. What else is its own is the system's. */
const { state: STATE } = layout();

const AT = '/settings/dst';

/** Two packages would delete each other's files. */
export function sameDst({ packages }: CheckedSite): Finding[] {
  const byDst = new Map<string, CheckedPackage[]>();
  const findings: Finding[] = [];
  for (const item of packages) {
    const { id, dst } = item.pkg;
    const others = byDst.get(dst);
    const other = others?.find((candidate) => shareMachine(candidate, item));
    if (other) {
      const message = `\`${dst}\` is also the dst of \`${other.pkg.id}\``;
      const help = 'give each package a directory of its own';
      findings.push(packageError(id, AT, { code: 'same-dst', message, help }));
    }
    if (others) others.push(item);
    else byDst.set(dst, [item]);
  }
  return findings;
}

/** A sync from a dst, or from around one, deletes its own source or copies itself into itself. */
export function nestedSource({ packages }: CheckedSite): Finding[] {
  const sources = packages.flatMap((item) =>
    sourceTexts(item.config.settings.src).flatMap(([text, at]) => {
      const path = localPath(text);
      return path === null ? [] : [{ item, path, at }];
    }),
  );
  return sources.flatMap(({ item, path, at }) => {
    const other = packages.find(
      (candidate) => shareMachine(candidate, item) && isOneTree(path, candidate.pkg.dst),
    );
    if (!other) return [];
    const whose = other === item ? "the package's own dst" : `the dst of \`${other.pkg.id}\``;
    const relation = path === other.pkg.dst ? 'is' : inside(path, other.pkg.dst) ? 'lies in' : 'holds';
    const message = `\`${path}\` ${relation} \`${other.pkg.dst}\`, ${whose}`;
    const help = 'use a source outside of every dst';
    return [packageError(item.pkg.id, at, { code: 'nested-src', message, help })];
  });
}

function isOneTree(a: string, b: string): boolean {
  return a === b || inside(a, b) || inside(b, a);
}

/** The directory of this machine that a source names, or null. */
function localPath(source: string): string | null {
  const path = source.replace(/^file:\/\/(localhost)?(?=\/)/i, '');
  return path.startsWith('/') ? plainPath(path) : null;
}

/** The status files would be deleted by the sync, or every sync could write to the mirror beside them. */
export function dstOfStatusFile({ settings, packages }: CheckedSite): Finding[] {
  const files = (['statusfile', 'statfile'] as const).map((key) => ({
    key,
    file: settings[key],
    directory: dirname(settings[key]),
  }));
  const findings: Finding[] = [];
  for (const { pkg } of packages) {
    const { id, dst } = pkg;
    const hit = files.find(
      ({ file, directory }) => directory === dst || inside(dst, directory) || inside(file, dst),
    );
    // A dst that is the system's is reported as that.
    if (!hit || ownerOf(dst) !== null) continue;
    const message = `\`${dst}\` is in the directory of \`settings.${hit.key}\` (${hit.file})`;
    const help = `move ${hit.key} to a directory of its own: every sync may write where it is`;
    findings.push(packageError(id, AT, { code: 'dst-of-status-file', message, help }));
  }
  return findings;
}

/** The logs would be deleted by the sync. */
export function logsInDst({ settings, packages }: CheckedSite): Finding[] {
  const bases = logBases(settings.logger);
  const within = (dst: string): string | undefined => bases.find((base) => dst === base || inside(base, dst));
  return packages
    .filter(({ pkg: { dst, synctype } }) => synctype !== 'local' && within(dst) !== undefined)
    .map(({ pkg: { id, dst } }) => {
      const message = `the logs (${String(within(dst))}) are in \`${dst}\`, where the sync deletes what upstream does not have`;
      return packageError(id, AT, { code: 'logs-in-dst', message, help: 'keep the logs outside every dst' });
    });
}

/** No mirror is the system, or what mirror itself lives by. */
export function systemDst({ packages }: CheckedSite): Finding[] {
  return packages.flatMap(({ pkg: { id, dst } }) => {
    const owner = ownerOf(dst);
    if (owner === null) return [];
    const message = `\`${dst}\` ${owner}`;
    const help = 'use a directory for the mirror alone, such as `/srv/mirror/debian`';
    return [packageError(id, AT, { code: 'system-dst', message, help })];
  });
}

/** Whose a directory is that can be no dst, in words; null: nobody's. */
function ownerOf(dst: string): string | null {
  if (SYSTEM.test(dst)) return 'belongs to the system';
  if (dst === STATE) return "is mirror's own";
  if (inside(dst, STATE)) return `is in mirror's own \`${STATE}\``;
  return inside(STATE, dst) ? `holds mirror's own \`${STATE}\`` : null;
}

/** Whether a path is below a directory; not the directory itself. */
export function inside(path: string, directory: string): boolean {
  if (!path.startsWith(directory) || path.length === directory.length) return false;
  return directory.endsWith('/') || path[directory.length] === '/';
}
