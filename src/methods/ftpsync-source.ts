import type { Source } from '../model/site.js';

/** Where an rsync daemon keeps an archive, as ftpsync is told. */
export interface DaemonModule {
  /** Without brackets. */
  readonly host: string;
  readonly port: string | null;
  /** Module and path below it, with a `/` at the end: without one a directory, not what is in it, would be synced. */
  readonly path: string;
  readonly user: string | null;
}

/**
 * Reads `rsync://[user@]host[:port]/module[/path]`, `[user@]host::module[/path]` or, with a path of its own, a bare host.
 * Null: ftpsync cannot sync from it. `path` is the option of that name and wins.
 */
export function daemonModule({ url }: Source, path = ''): DaemonModule | null {
  const [, user = null, bracketed, plain, port = null, found = ''] =
    /^rsync:\/\/(?:([^@/\s]+)@)?(?:\[([^\]/\s]+)\]|([^@:/[\]\s]+))(?::(\d{1,5}))?(?:\/(.*))?$/s.exec(url) ??
    /^(?:([^@/:\s]+)@)?(?:\[([^\]/\s]+)\]|([^@:/[\]\s]+))()::(.*)$/s.exec(url) ??
    /^(?:([^@/:\s]+)@)?(?:\[([^\]/\s]+)\]|([^@:/[\]\s]+))$/.exec(url) ??
    [];
  const host = bracketed ?? plain;
  const module = (path === '' ? found : path).replace(/\/*$/, '');
  if (host === undefined || !/^[^/-]/.test(module) || /[\s*?[\]]/.test(module)) return null;
  return { host, port: port === '' ? null : port, path: `${module}/`, user };
}
