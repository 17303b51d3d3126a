import type { Package, Source } from '../model/site.js';
import { schemeOf } from './findings.js';

/**
 * A proxy that answers nothing, because nothing listens on port 1 of the loopback. Most tools cannot limit redirects to
 * certain hosts, but all of them can leave hosts out of a proxy: with this proxy for every host but the upstream's, a
 * redirect elsewhere ends before it is followed, and so does an absolute URL in an index.
 */
export const NOWHERE = 'http://127.0.0.1:1';

/** Methods whose tool can tell hosts apart behind a proxy, too. */
const KNOWS_HOSTS: ReadonlySet<string> = new Set(['bandersnatch', 'debmirror', 'jigdo', 'lftp']);

/** Where the upstream may send its mirror: its own hosts and those of `network.redirects`, lower case, without ports. */
export function upstreamHosts(pkg: Package, source: Source, others: readonly string[] = []): string[] {
  const own = source.host === null ? [] : [source.host];
  return [...new Set([...own, ...others, ...pkg.network.redirects])];
}

/** Whether the tool goes through a proxy of the operator's: then only that proxy can tell hosts apart. */
export function hasProxy({ network, env }: Package): boolean {
  return network.proxy !== null || Object.keys(env).some((name) => /_proxy$/i.test(name));
}

/** Keeps a program that uses libcurl on the upstream's hosts. Empty with a proxy of the operator's. */
export function curlEnvironment(pkg: Package, source: Source): Record<string, string> {
  if (hasProxy(pkg)) return {};
  const names = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy'];
  return {
    ...Object.fromEntries(names.map((name) => [name, NOWHERE])),
    no_proxy: upstreamHosts(pkg, source).join(','),
  };
}

/**
 * Keeps wget on `hosts`: settings of a wgetrc for a download from `url`. `proxy` is the operator's, or null. wget cannot
 * refuse http alone, so an https source is followed nowhere unless `network.redirects` says so.
 */
export function wgetSettings(
  { network }: Package,
  {
    url,
    hosts,
    proxy,
  }: { readonly url: string; readonly hosts: readonly string[]; readonly proxy: string | null },
): Record<string, string> {
  const through = proxy ?? NOWHERE;
  const strict = proxy !== null || schemeOf(url)?.toLowerCase() === 'https';
  return {
    use_proxy: 'on',
    http_proxy: through,
    https_proxy: through,
    ftp_proxy: through,
    ...(proxy === null ? { no_proxy: hosts.join(',') } : {}),
    ...(strict && network.redirects.length === 0 ? { max_redirect: '0' } : {}),
  };
}

/** What becomes of redirects of the package's sources, in words for `explain`; empty for sources that have none. */
export function redirectRule(pkg: Package): string[] {
  const web = pkg.sources.some(({ url }) => /^https?:/i.test(url));
  if (pkg.synctype === 'command') return ['redirects: as the command follows them'];
  if (pkg.synctype === 'bandersnatch' && pkg.options.config !== undefined)
    return ['redirects: wherever they lead, because `config` is a file of yours'];
  if (!web && pkg.synctype !== 'jigdo') return [];
  const hosts = [...new Set(pkg.sources.flatMap((source) => upstreamHosts(pkg, source)))];
  const where = `${hosts.join(', ')} and names below (the sources and \`network.redirects\`)`;
  if (!hasProxy(pkg) || KNOWS_HOSTS.has(pkg.synctype)) return [`redirects: only to ${where}`];
  if (pkg.synctype === 'reposync') return ['redirects: wherever the proxy lets dnf go'];
  return [
    pkg.network.redirects.length > 0
      ? 'redirects: wherever the proxy lets the tool go, because `network.redirects` names hosts'
      : 'redirects: none, because the tool cannot tell hosts apart behind a proxy',
  ];
}
