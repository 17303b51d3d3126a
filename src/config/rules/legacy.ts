import type { Finding } from '../../diagnostics/diagnostic.js';
import { pointer } from '../pointer.js';
import { packageWarning, siteWarning, type CheckedSite } from './rule.js';

/** A key that is accepted because configs in the wild have it, and ignored because it never did anything there either. */
interface LegacyKey {
  readonly key: string;
  /** What to do about it. */
  readonly help: string;
}

/** A test holds these to the `deprecated` keys of the schemas. */
export const LEGACY_TOP: readonly LegacyKey[] = [
  { key: 'lastsettingmodified', help: 'remove it: git knows when the config changed' },
];

export const LEGACY_PACKAGE: readonly LegacyKey[] = [
  { key: 'username', help: 'use `settings.options.user`' },
  { key: 'options', help: 'use `settings.options`' },
  ...['status', 'statusinfo', 'lastsync', 'timestamp', 'errorcount'].map((key) => ({
    key,
    help: 'remove it: the state of a package is not part of the config',
  })),
];

export const LEGACY_OPTIONS: Readonly<Record<string, readonly LegacyKey[]>> = {
  rsync: [
    { key: 'username', help: 'use `user`' },
    { key: 'userid', help: 'use `user`' },
    { key: 'passwd', help: 'use `password_file`' },
    { key: 'auth', help: 'remove it: `user` is enough' },
  ],
  ftpsync: [
    { key: 'include', help: 'use `arch_include`' },
    { key: 'exclude', help: 'use `arch_exclude`' },
  ],
};

/** Ignored keys, each with its replacement. */
export function legacyKeys({ config, packages }: CheckedSite): Finding[] {
  const findings = present(config, LEGACY_TOP).map(({ key, help }) =>
    siteWarning(`/${key}`, ignored(key, help), 'key'),
  );
  for (const { pkg, config: own } of packages) {
    for (const { key, help } of present(own, LEGACY_PACKAGE)) {
      findings.push(packageWarning(pkg.id, `/${key}`, ignored(key, help), 'key'));
    }
    for (const { key, help } of present(own.settings.options, LEGACY_OPTIONS[pkg.synctype] ?? [])) {
      findings.push(packageWarning(pkg.id, `/settings/options/${key}`, ignored(key, help), 'key'));
    }
  }
  return findings;
}

function present(value: object | undefined, keys: readonly LegacyKey[]): readonly LegacyKey[] {
  if (value === undefined || !keys.some(({ key }) => Object.hasOwn(value, key))) return [];
  return keys.filter(({ key }) => Object.hasOwn(value, key));
}

/** mirror.py's plug-ins: its old list of paths is ignored there too; enabled ones are named, because nothing loads them yet. */
export function pluginsAreIgnored({ config }: CheckedSite): Finding[] {
  const { plugins } = config.settings;
  if (plugins === undefined) return [];
  if (Array.isArray(plugins)) {
    const key = ignored('plugins', 'remove it: plug-ins are not built yet');
    return [siteWarning('/settings/plugins', key, 'key')];
  }
  return Object.entries(plugins)
    .filter(([name, plugin]) => !name.startsWith('_') && plugin.enabled === true)
    .map(([name]) => {
      const message = `the plug-in \`${name}\` is not loaded: plug-ins are not built yet`;
      const help = 'set `enabled` to `false` until they are';
      return siteWarning(pointer('settings', 'plugins', name), { code: 'not-built', message, help }, 'key');
    });
}

function ignored(key: string, help: string): { code: string; message: string; help: string } {
  return { code: 'legacy-key', message: `\`${key}\` is ignored`, help };
}
