import type { PackageFinding } from '../methods/method.js';
import type { Network, Package } from '../model/site.js';
import { member } from './sources.js';

/** What a package goes without where its method cannot honour a key of `network`. */
const WITHOUT: Readonly<Record<string, Partial<Network>>> = {
  family: { family: 'any' },
  bind: { bind: null },
  proxy: { proxy: null },
  ca_file: { caFile: null },
};

/**
 * A proxy or CA file for the whole site is meant for those packages whose method has a use for it. What a method says
 * against one that is not the package's own (`raw`) is a warning, the same for all such packages and thus said once, and
 * the package goes without it.
 */
export function withoutUnusable(
  pkg: Package,
  raw: unknown,
  findings: readonly PackageFinding[],
): { pkg: Package; findings: readonly PackageFinding[] } {
  const own = member(raw, 'network');
  const inherited = ({ at, severity }: PackageFinding): string | null => {
    const key = /^\/network\/(\w+)$/.exec(at)?.[1];
    return severity === 'error' && key !== undefined && key in WITHOUT && member(own, key) === undefined
      ? key
      : null;
  };
  const keys = findings.flatMap((finding) => inherited(finding) ?? []);
  if (keys.length === 0) return { pkg, findings };
  const network = keys.reduce<Network>((left, key) => ({ ...left, ...WITHOUT[key] }), pkg.network);
  return {
    pkg: { ...pkg, network },
    findings: findings.map((finding) => {
      const key = inherited(finding);
      if (key === null) return finding;
      const help = `such packages of \`${pkg.synctype}\` go without it; give \`${key}\` to those that can use it, for example in \`defaults.synctype\``;
      return { ...finding, severity: 'warning', help };
    }),
  };
}
