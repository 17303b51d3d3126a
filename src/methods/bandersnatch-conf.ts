import type { Package, Source } from '../model/site.js';
import type { Options } from './method.js';
import { upstream, webUrl } from './web-source.js';

/** A bandersnatch.conf: its sections, their keys, and a value or a list of them. */
export type Sections = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/**
 * The text of a configuration as Python's configparser reads it with interpolation on: `%` is doubled, a list has one
 * indented line for each of its items. A value that it cannot hold (see `holdable`) must have been refused before.
 */
export function confText(sections: Sections): string {
  return Object.entries(sections)
    .map(([section, keys]) => `[${section}]\n${Object.entries(keys).map(line).join('')}`)
    .join('\n');
}

/** Both win over one: the keys of `more` replace those of the same section and name. */
export function merged(sections: Sections, more: Sections): Sections {
  const all = { ...sections };
  for (const [section, keys] of Object.entries(more)) all[section] = { ...all[section], ...keys };
  return all;
}

/** configparser strips blanks around a value, and control characters may end its line. */
export function holdable(value: string): boolean {
  return value === value.trim() && !/[\u0000-\u001f\u007f-\u009f]/.test(value);
}

function line([key, value]: readonly [string, string | readonly string[]]): string {
  if (typeof value === 'string') return `${key} = ${escaped(value)}\n`;
  return `${key} =\n${value.map((item) => `    ${escaped(item)}\n`).join('')}`;
}

function escaped(value: string): string {
  return value.replaceAll('%', '%%');
}

/** What a package's configuration says, section by section; `extra` wins. */
export function sections(pkg: Package, source: Source): Sections {
  const options = pkg.options as Options<'bandersnatch'>;
  const parts = upstream(source);
  const mirror: Record<string, string> = {
    directory: pkg.dst,
    master: webUrl(parts),
    'allow-non-https': yesNo(parts.scheme === 'http'),
    'api-method': options.api_method,
    workers: String(options.workers),
    timeout: String(options.timeout),
    'global-timeout': String(options.global_timeout),
    'stop-on-error': yesNo(options.stop_on_error),
    json: yesNo(options.json),
    'release-files': yesNo(options.release_files),
    'hash-index': yesNo(options.hash_index),
    'simple-format': options.simple_format.toUpperCase(),
    'compare-method': options.compare_method,
    cleanup: 'false',
    'storage-backend': 'filesystem',
    ...(options.root_uri === undefined ? {} : { root_uri: options.root_uri }),
    ...(options.download_mirror === undefined
      ? {}
      : {
          'download-mirror': options.download_mirror,
          'download-mirror-no-fallback': yesNo(options.download_mirror_no_fallback),
        }),
    ...(pkg.network.proxy === null ? {} : { proxy: pkg.network.proxy }),
  };
  return merged({ mirror, ...filters(options) }, options.extra);
}

/** Filters are plugins: each is switched on by its name and has its settings in a section of its own. */
function filters(options: Options<'bandersnatch'>): Sections {
  const { allow, block, block_projects, block_releases, plugins } = options;
  const { keep_releases, max_project_size: size, exclude_platforms } = options;
  const versions = (requirements: readonly string[]): boolean =>
    requirements.some((requirement) => /[=~!<>]/.test(requirement));
  const enabled = [
    ...(allow.length > 0 ? ['allowlist_project'] : []),
    ...(versions(allow) ? ['allowlist_release'] : []),
    ...(block.length > 0 ? ['blocklist_project'] : []),
    ...(versions(block) ? ['blocklist_release'] : []),
    ...(block_projects.length > 0 ? ['regex_project'] : []),
    ...(block_releases.length > 0 ? ['regex_release'] : []),
    ...(!options.prereleases ? ['prerelease_release'] : []),
    ...(keep_releases > 0 ? ['latest_release'] : []),
    ...(size === undefined ? [] : ['size_project_metadata']),
    ...(exclude_platforms.length > 0 ? ['exclude_platform'] : []),
    ...plugins,
  ];
  if (enabled.length === 0) return {};
  const blocklist = {
    ...(block.length > 0 ? { packages: block } : {}),
    ...(exclude_platforms.length > 0 ? { platforms: exclude_platforms } : {}),
  };
  const regex = {
    ...(block_projects.length > 0 ? { packages: block_projects } : {}),
    ...(block_releases.length > 0 ? { releases: block_releases } : {}),
  };
  return {
    plugins: { enabled: [...new Set(enabled)] },
    ...(allow.length > 0 ? { allowlist: { packages: allow } } : {}),
    ...(Object.keys(blocklist).length > 0 ? { blocklist } : {}),
    ...(Object.keys(regex).length > 0 ? { filter_regex: regex } : {}),
    ...(keep_releases > 0 ? { latest_release: { keep: String(keep_releases) } } : {}),
    ...(size === undefined ? {} : { size_project_metadata: { max_package_size: size } }),
  };
}

function yesNo(value: boolean): string {
  return value ? 'true' : 'false';
}
