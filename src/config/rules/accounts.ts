import type { Finding } from '../../diagnostics/diagnostic.js';
import { parseSource } from '../../model/source.js';
import { escapeSegment } from '../pointer.js';
import { hasPasswordInUrl } from '../secret-text.js';
import { isObject } from '../sources.js';
import { packageError, packageWarning, siteError, siteWarning, type CheckedSite } from './rule.js';
import { sourceTexts } from './source-urls.js';

/** A sync needs no privilege, and what upstream sends is not to be trusted with any. */
export function runsAsRoot({ settings, config, packages }: CheckedSite): Finding[] {
  const help = 'use the name or number of a user of its own, such as `mirror`';
  const said = (key: string): { code: string; message: string; help: string } => ({
    code: 'runs-as-root',
    message: `\`${key}\` lets the syncs run as root`,
    help,
  });
  const findings: Finding[] = [];
  if (isRoot(settings.uid)) findings.push(siteWarning('/settings/uid', said('uid')));
  if (isRoot(settings.gid) && config.settings.gid !== undefined)
    findings.push(siteWarning('/settings/gid', said('gid')));
  for (const { pkg, config: own } of packages) {
    if (own.user !== undefined && isRoot(own.user))
      findings.push(packageWarning(pkg.id, '/user', said('user')));
    if (own.group !== undefined && isRoot(own.group))
      findings.push(packageWarning(pkg.id, '/group', said('group')));
  }
  return findings;
}

/** A user in the site's group may write what belongs to every package, and its own state lies among theirs. */
export function sharedGroup({ settings, packages }: CheckedSite): Finding[] {
  return packages.flatMap(({ pkg, config }) => {
    const { user, group } = pkg;
    const isOwn = config.user !== undefined && String(user) !== String(settings.uid) && !isRoot(user);
    if (!isOwn || String(group) !== String(settings.gid)) return [];
    const message = `\`user\` alone keeps this package from none: its runs are in the site's group \`${String(settings.gid)}\``;
    const help = `give it a group of its own, e.g. \`"group": ${JSON.stringify(user)}\``;
    return [packageWarning(pkg.id, '/user', { code: 'shared-group', message, help })];
  });
}

/** The config is in git and read by many. */
export function literalPassword({ packages }: CheckedSite): Finding[] {
  const code = 'literal-password';
  const help =
    'put it in a root-only file and name that in `password_file`; apply keeps it in one until then';
  const findings: Finding[] = [];
  for (const { pkg, config } of packages) {
    if (pkg.password === null || 'file' in pkg.password) continue;
    if (isText(config.settings.options?.password)) {
      const message = 'the password is in the config';
      findings.push(packageWarning(pkg.id, '/settings/options/password', { code, message, help }, 'key'));
    }
    for (const [text, at] of sourceTexts(config.settings.src)) {
      const { password, wrong } = parseSource(text);
      if (password === null || wrong !== null) continue;
      const message = 'the password is in the URL';
      findings.push(packageWarning(pkg.id, at, { code, message, help }));
    }
  }
  return findings;
}

/** One secret per package: which of several is meant, nobody can tell. */
export function onePassword({ packages }: CheckedSite): Finding[] {
  return packages.flatMap(({ pkg, config }) => {
    if (pkg.password === null) return [];
    const { options, src } = config.settings;
    const given = [
      ...(isText(options?.password_file) ? ['password_file'] : []),
      ...(isText(options?.password) ? ['password'] : []),
      ...new Set(sourceTexts(src).flatMap(([text]) => parseSource(text).password ?? [])),
    ];
    if (given.length < 2) return [];
    const at = isText(options?.password) ? '/settings/options/password' : '/settings/src';
    const message = 'there is more than one password for this package';
    const help = 'keep one: `password_file` is the best place';
    return [packageError(pkg.id, at, { code: 'two-passwords', message, help }, 'key')];
  });
}

/** Environment is written to job files and shown by plan: no secret may be there. */
export function secretInEnvironment({ config, packages }: CheckedSite): Finding[] {
  const said = (key: string): { code: string; message: string; help: string } => ({
    code: 'secret-in-env',
    message: `\`${key}\` is a secret, and \`env\` is shown in plans and written to files`,
    help: 'name a file that holds it instead; for rsync use `password_file`',
  });
  const findings = secretKeys(config.settings.env).map((key) =>
    siteError(`/settings/env/${key}`, said(key), 'key'),
  );
  for (const { pkg, config: own } of packages) {
    for (const key of secretKeys(own.env)) {
      findings.push(packageError(pkg.id, `/env/${key}`, said(key), 'key'));
    }
    for (const key of secretKeys(own.settings.options?.env)) {
      findings.push(packageError(pkg.id, `/settings/options/env/${key}`, said(key), 'key'));
    }
  }
  return findings;
}

/**
 * A URL's password anywhere but in `src`, where apply takes it out: in argv, in a link that everybody sees, in a proxy.
 */
export function noPasswordInOtherUrls({ config, packages }: CheckedSite): Finding[] {
  const said = {
    code: 'secret-in-url',
    message: 'there is a password in this URL, and it would be shown and written to files',
    help: 'take it out; a password of the source belongs in `password_file`',
  };
  const { mirrorname, settings } = config;
  return [
    ...withPassword({ mirrorname, settings }).map((at) => siteError(at, said)),
    ...packages.flatMap(({ pkg, config: own }) => {
      const places = withPassword(own).filter((at) => !/^\/settings\/(src|options\/pass)/.test(at));
      return places.map((at) => packageError(pkg.id, at, said));
    }),
  ];
}

/** Pointers to the texts in a value that have a URL with a password. */
function withPassword(value: unknown): string[] {
  if (typeof value === 'string') return value.includes('@') && hasPasswordInUrl(value) ? [''] : [];
  if (typeof value !== 'object' || value === null) return [];
  const found: string[] = [];
  for (const key in value) {
    if (key.startsWith('_')) continue;
    const item: unknown = (value as Record<string, unknown>)[key];
    if (typeof item === 'string' ? item.includes('@') : typeof item === 'object')
      for (const path of withPassword(item)) found.push(`/${escapeSegment(key)}${path}`);
  }
  return found;
}

/** Names that end like this hold a secret; `SSH_ASKPASS` and `PASSWORD_FILE` do not. */
const SECRET_VARIABLE = /(^|_)(password|passwd|secret|token|api_?key)$/i;

function secretKeys(env: unknown): string[] {
  return isObject(env) ? Object.keys(env).filter((key) => SECRET_VARIABLE.test(key)) : [];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isRoot(owner: string | number): boolean {
  return owner === 0 || owner === 'root';
}
