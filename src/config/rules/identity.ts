import type { Finding } from '../../diagnostics/diagnostic.js';
import { packageError, shareMachine, type CheckedPackage, type CheckedSite } from './rule.js';

/** status.json has the packages beside these keys. */
const RESERVED = ['mirrorname', 'lastupdate', 'lists'];

/** mirror.py repeats the id in the package; two answers to "which package" are one too many. */
export function idIsKey({ packages }: CheckedSite): Finding[] {
  return packages
    .filter(({ pkg, config }) => config.id !== undefined && config.id !== pkg.id)
    .map(({ pkg, config }) => {
      const message = `the id \`${config.id ?? ''}\` differs from the package's key \`${pkg.id}\``;
      return packageError(pkg.id, '/id', {
        code: 'id-mismatch',
        message,
        help: `write \`"id": "${pkg.id}"\`, or leave it out`,
      });
    });
}

/** Ids are keys of status.json. */
export function reservedId({ packages }: CheckedSite): Finding[] {
  return packages
    .filter(({ pkg }) => RESERVED.includes(pkg.id))
    .map(({ pkg }) => {
      const message = `\`${pkg.id}\` is a key of status.json and cannot be a package's id`;
      return packageError(pkg.id, '', { code: 'reserved-id', message, help: 'choose another id' }, 'key');
    });
}

/** Files and people that do not tell `CTAN` from `ctan` would mix them up. */
export function idsDifferInCase({ packages }: CheckedSite): Finding[] {
  const seen = new Map<string, CheckedPackage[]>();
  return packages.flatMap((item) => {
    const key = item.pkg.id.toLowerCase();
    const others = seen.get(key) ?? [];
    const other = others.find((candidate) => shareMachine(candidate, item));
    seen.set(key, [...others, item]);
    if (!other) return [];
    const message = `\`${item.pkg.id}\` differs from \`${other.pkg.id}\` in case only`;
    return [packageError(item.pkg.id, '', { code: 'id-case', message, help: 'choose another id' }, 'key')];
  });
}

/** A package takes over the state of the one it replaces; that one must be gone, and can have one heir. */
export function renamedFromIsGone({ packages }: CheckedSite): Finding[] {
  const ids = new Set(packages.map(({ pkg }) => pkg.id));
  const heirs = new Map<string, string>();
  return packages.flatMap(({ pkg }) => {
    const { id, renamedFrom } = pkg;
    if (renamedFrom === null) return [];
    const heir = heirs.get(renamedFrom);
    heirs.set(renamedFrom, id);
    const message = ids.has(renamedFrom)
      ? `the package \`${renamedFrom}\` still exists`
      : heir !== undefined
        ? `\`${heir}\` is renamed from \`${renamedFrom}\` too`
        : null;
    if (message === null) return [];
    const help = 'name the id that this package had before';
    return [packageError(id, '/renamed_from', { code: 'renamed-from', message, help })];
  });
}
