import type { Package, Source } from '../model/site.js';
import { decodedLogin } from '../model/source.js';
import { refusedSources, schemeOf, unsupported } from './findings.js';
import type { PackageFinding } from './method.js';

/** A source's URL in the parts that tools want one by one. */
export interface WebSource {
  /** Lower case. */
  readonly scheme: string;
  /** As it is meant; empty if there is none. */
  readonly user: string;
  /** With the port, if the URL has one. */
  readonly host: string;
  /** Without slashes at its ends. */
  readonly path: string;
}

/** Takes a URL apart; null when it is none, or has a query or a fragment. */
export function webSource(url: string): WebSource | null {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/(?:([^@/]*)@)?([^/@?#]+)(?:\/([^?#]*))?$/i.exec(url);
  if (parts === null) return null;
  const [, scheme = '', user = '', host = '', path = ''] = parts;
  return {
    scheme: scheme.toLowerCase(),
    user: decodedLogin(`${scheme}:`, user) ?? user,
    host,
    path: path.replace(/^\/+|\/+$/g, ''),
  };
}

/** The parts of a source that `webSourceFindings` has nothing against. */
export function upstream({ url, host }: Source): WebSource {
  return webSource(url) ?? { scheme: 'http', user: '', host: host ?? '', path: '' };
}

/** The URL of these parts, without the user. */
export function webUrl({ scheme, host, path }: WebSource): string {
  return `${scheme}://${host}${path === '' ? '' : `/${path}`}`;
}

/**
 * Sources that a tool cannot read: none at all, another scheme, or characters that mean something to the shells, lists and
 * patterns that such tools are made of.
 */
export function webSourceFindings(pkg: Package, schemes: readonly string[]): PackageFinding[] {
  const help = `give ${schemes.map((scheme) => `\`${scheme}://host/path\``).join(' or ')}`;
  const tool = pkg.synctype;
  return refusedSources(pkg, help, ({ url, publicUrl }) => {
    const parts = webSource(url);
    if (parts === null) {
      const why = schemeOf(url) === undefined ? '' : ': a query or a fragment is in it';
      return ['source-scheme', `${tool} cannot read from \`${publicUrl}\`${why}`];
    }
    if (!schemes.includes(parts.scheme))
      return ['source-scheme', `${tool} does not speak \`${parts.scheme}\``];
    return isPlain(parts) ? null : ['source-characters', `${tool} takes plain words in URLs only`];
  });
}

function isPlain({ host, path }: WebSource): boolean {
  return (
    /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$/.test(host) &&
    /^[A-Za-z0-9._~+@%=,:/-]*$/.test(path) &&
    !/(^|\/)\.\.?(\/|$)/.test(path)
  );
}

/** A proxy that is not written `http://host:port`. */
export function proxyFindings({ network, synctype }: Package): PackageFinding[] {
  if (network.proxy === null || /^http:\/\/[A-Za-z0-9.[\]:_-]+:\d+\/?$/.test(network.proxy)) return [];
  const message = `${synctype} takes a proxy as \`http://host:port\``;
  return [unsupported('proxy', message, 'give `http://host:port`')];
}

/** A CA file where no source has a certificate to check. */
export function caFileFindings({ network, sources }: Package): PackageFinding[] {
  if (network.caFile === null || sources.some(({ url }) => webSource(url)?.scheme === 'https')) return [];
  return [unsupported('ca_file', 'only an `https` source has certificates to check')];
}
