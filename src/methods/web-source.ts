import type { Package } from '../model/site.js';
import { mistake, refusedSources, schemeOf, unsupported } from './findings.js';
import type { PackageFinding } from './method.js';

/** A source's URL in the parts that tools want one by one. */
export interface WebSource {
  /** Lower case. */
  readonly scheme: string;
  /** As in the URL, percent-encoded; empty if there is none. */
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
  return { scheme: scheme.toLowerCase(), user, host, path: path.replace(/^\/+|\/+$/g, '') };
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
    return isPlain(parts) ? null : ['source-characters', `${tool} takes plain words for host and path only`];
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

/** Keyrings that gpgv does not read. */
export function keyringFindings(synctype: string, keyrings: readonly string[], at: string): PackageFinding[] {
  return keyrings.flatMap((path, index) => {
    if (!/\.asc$/i.test(path)) return [];
    const message = `\`${path}\` looks like an armored key, which ${synctype}'s gpgv cannot read`;
    const help = `make a keyring of it: \`gpg --dearmor < ${path} > ${path.slice(0, -3)}gpg\``;
    return mistake('keyring-format', `${at}/${String(index)}`, message, help);
  });
}
