import type { AptDistribution, AptLeftOut } from '../../../job/proof-step.js';
import type { Release } from './apt-release.js';

/** A file of the index in all of its compressions, one of which is enough for a client. */
export interface IndexFile {
  /** Beside the Release file, without the suffix of a compression. */
  readonly base: string;
  /** All names that the Release file has for it. */
  readonly names: readonly string[];
  /** `packages`: names files of the pool. `other`: a client fetches it, and it names nothing. */
  readonly kind: 'packages' | 'other';
}

const COMPRESSION = /\.(gz|xz|bz2|zst|lzma|lz4)$/;

/** The files of an index, each once with all of its compressions, in the order of the Release file. */
export function indexFiles({ files }: Release): Map<string, IndexFile> {
  const found = new Map<string, IndexFile & { names: string[] }>();
  for (const name of files.keys()) {
    const base = name.replace(COMPRESSION, '');
    const known = found.get(base);
    if (known === undefined) {
      const kind = /(^|\/)(Packages|Sources)$/.test(base) ? 'packages' : 'other';
      found.set(base, { base, names: [name], kind });
    } else known.names.push(name);
  }
  return found;
}

/**
 * Bases of the index files that apt asks a mirror of `distribution` for: packages of each component and architecture, of
 * `all` unless the Release file says that the others have them, sources, translations, the data of AppStream (dep11) and
 * of command-not-found (cnf), and Contents if they are mirrored. What is not an explicit wish is wanted if it is offered.
 */
export function isWanted(
  distribution: AptDistribution,
  leftOut: AptLeftOut,
  release: Release,
): (base: string) => boolean {
  const { components } = distribution;
  const arches = distribution.arches.filter((arch) => arch !== 'source');
  const binary = new Set(arches.length > 0 && release.hasIndexOfAll ? [...arches, 'all'] : arches);
  const sources = distribution.arches.includes('source');
  const wanted = (name: string): boolean => {
    const [, packages] = /^binary-([^/]+)\/Packages$/.exec(name) ?? [];
    if (packages !== undefined) return binary.has(packages);
    if (name === 'source/Sources') return sources;
    const [, language] = /^i18n\/Translation-([^/]+)$/.exec(name) ?? [];
    if (language !== undefined)
      return binary.size > 0 && (!leftOut.translations || language.startsWith('en'));
    const [, components] = /^dep11\/Components-([^/]+)\.yml$/.exec(name) ?? [];
    if (components !== undefined) return arches.includes(components);
    if (/^dep11\/icons-[^/]+\.tar$/.test(name)) return binary.size > 0;
    const [, commands] = /^cnf\/Commands-([^/]+)$/.exec(name) ?? [];
    return commands !== undefined && arches.includes(commands);
  };
  const contents = (name: string): boolean => {
    const [, arch] = /^Contents-([^/]+)$/.exec(name) ?? [];
    return !leftOut.contents && arch !== undefined && arches.includes(arch);
  };
  return (base) => {
    if (contents(base)) return true;
    const component = components.find((name) => base.startsWith(`${name}/`));
    if (component === undefined) return false;
    const longer = components.filter(
      (name) => name.startsWith(`${component}/`) && base.startsWith(`${name}/`),
    );
    const name = base.slice((longer[0] ?? component).length + 1);
    return wanted(name) || contents(name);
  };
}
