import type { Package, Source } from '../model/site.js';
import type { PackageFinding } from './method.js';

/** A mistake with which nothing is compiled; `at` as in `PackageFinding`. */
export function mistake(code: string, at: string, message: string, help: string): PackageFinding {
  return { code, severity: 'error', message, help, at };
}

/** A setting of `network`, by its pointer in there (`ssh/key`), that a tool has no way to honour. */
export function unsupported(key: string, message: string, help = 'remove it'): PackageFinding {
  return mistake('network-unsupported', `/network/${key}`, message, help);
}

/** No source at all, or what `refusal` has against one of them; `help` says how sources are written. */
export function refusedSources(
  pkg: Package,
  help: string,
  refusal: (source: Source) => readonly [code: string, message: string] | null,
): PackageFinding[] {
  if (pkg.sources.length === 0)
    return [mistake('no-source', '/settings/src', `\`${pkg.synctype}\` needs a \`src\``, help)];
  return pkg.sources.flatMap((source, index) => {
    const refused = refusal(source);
    return refused === null ? [] : mistake(refused[0], sourceAt(pkg, index), refused[1], help);
  });
}

/** Where a source stands: `src` is one of them or a list. */
export function sourceAt({ sources }: Package, index: number): string {
  return sources.length > 1 ? `/settings/src/${String(index)}` : '/settings/src';
}

/** The scheme of a URL as it is written; undefined: it is none. */
export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1];
}
