import type { Package, Source } from '../model/site.js';
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
  const found = (code: string, message: string, at = '/settings/src'): PackageFinding => {
    return { code, severity: 'error', message, help, at };
  };
  if (pkg.sources.length === 0) return [found('no-source', `\`${pkg.synctype}\` needs a \`src\``)];
  return pkg.sources.flatMap((source: Source, index) => {
    const at = pkg.sources.length > 1 ? `/settings/src/${String(index)}` : '/settings/src';
    const parts = webSource(source.url);
    if (parts === null || !schemes.includes(parts.scheme)) {
      const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source.url)?.[1];
      const cannot = `cannot read from \`${source.publicUrl}\``;
      const message =
        scheme === undefined || parts !== null ? cannot : `${cannot}: a query or a fragment is in it`;
      const other = scheme !== undefined && parts !== null;
      return [
        found('source-scheme', `${pkg.synctype} ${other ? `does not speak \`${scheme}\`` : message}`, at),
      ];
    }
    const host = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$/;
    const path = /^[A-Za-z0-9._~+@%=,:/-]*$/;
    if (host.test(parts.host) && path.test(parts.path) && !/(^|\/)\.\.?(\/|$)/.test(parts.path)) return [];
    return [found('source-characters', `${pkg.synctype} takes plain words for host and path only`, at)];
  });
}

/** A setting of `network` that a tool has no way to honour. */
export function unsupported(key: 'family' | 'bind' | 'proxy' | 'ca_file', message: string): PackageFinding {
  return {
    code: 'network-unsupported',
    severity: 'error',
    message,
    help: 'remove it',
    at: `/network/${key}`,
  };
}

/** A proxy that is not written `http://host:port`. */
export function proxyFindings({ network, synctype }: Package): PackageFinding[] {
  if (network.proxy === null || /^http:\/\/[A-Za-z0-9.[\]:_-]+:\d+\/?$/.test(network.proxy)) return [];
  const message = `${synctype} takes a proxy as \`http://host:port\``;
  return [{ ...unsupported('proxy', message), help: 'give `http://host:port`' }];
}

/** Keyrings that gpgv does not read. */
export function keyringFindings(synctype: string, keyrings: readonly string[], at: string): PackageFinding[] {
  return keyrings.flatMap((path, index) => {
    if (!/\.asc$/i.test(path)) return [];
    return {
      code: 'keyring-format',
      severity: 'error',
      message: `\`${path}\` looks like an armored key, which ${synctype}'s gpgv cannot read`,
      help: `make a keyring of it: \`gpg --dearmor < ${path} > ${path.slice(0, -3)}gpg\``,
      at: `${at}/${String(index)}`,
    };
  });
}
