import schema from '../../schemas/methods/bandersnatch.schema.json' with { type: 'json' };
import type { ProveSimpleStep } from '../job/proof-step.js';
import type { ExecStep, Step } from '../job/step.js';
import type { Package } from '../model/site.js';
import { hostRule, nameRule } from './bandersnatch-hosts.js';
import { confText, holdable, sections } from './bandersnatch-conf.js';
import { mistake, unsupported } from './findings.js';
import { accepted, cacheDirectory, privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { nestedBelow } from './nested.js';
import { proxyFindings, webSource, webSourceFindings } from './web-source.js';

/** Keys that `extra` may not set: what mirror answers for, and what would hide from it how a run went. */
const OURS: Readonly<Record<string, readonly string[]>> = {
  mirror: [
    ...['directory', 'master', 'allow-non-https', 'proxy', 'cleanup', 'storage-backend', 'log-config'],
    // It deletes, and no guard looks at it.
    'delete_missing_packages',
  ],
  plugins: ['enabled'],
};

/** What a run may do otherwise without having to look at every project again. */
const FREE = [
  ...[
    'directory',
    'master',
    'allow-non-https',
    'api-method',
    'proxy',
    'workers',
    'timeout',
    'global-timeout',
  ],
  ...['stop-on-error', 'compare-method', 'download-mirror', 'download-mirror-no-fallback'],
];

/** What the schema says of each option. */
const PROPERTIES: Readonly<Record<string, { readonly description: string; readonly default?: unknown }>> =
  schema.properties;

/**
 * A mirror of PyPI by bandersnatch(1), from a configuration made for each run, or from the site's own. bandersnatch
 * deletes nothing when it mirrors; with `delete` its dry run tells what no project lists any more, and the executor
 * deletes that under the guard.
 */
export const bandersnatch: SyncMethod = {
  name: 'bandersnatch',
  tools: (pkg) => [{ command: program(pkg), debian: '' }],
  check: (pkg) => {
    const { config } = pkg.options as Options<'bandersnatch'>;
    return config === undefined
      ? [...sourceFindings(pkg), ...networkFindings(pkg), ...optionFindings(pkg), ...valueFindings(pkg)]
      : [...networkFindings(pkg), ...ownConfigFindings(pkg)];
  },
  checkNested: (pkg) => nestedBelow(pkg, ['web']),
  steps: (pkg, context) => {
    const { config, release_files, root_uri } = pkg.options as Options<'bandersnatch'>;
    const before: readonly Step[] = [
      { kind: 'require-directory', path: pkg.dst },
      workDirectory(context),
      cacheDirectory(context),
    ];
    if (config !== undefined)
      return [...before, nameRule(context), run(pkg, context, config, ['mirror']), proof(pkg, context, null)];
    const path = `${context.work}/bandersnatch.conf`;
    return [
      ...before,
      {
        kind: 'forget-if-changed',
        record: `${context.cache}/selection`,
        text: selection(pkg),
        files: [`${pkg.dst}/status`, `${pkg.dst}/todo`],
      },
      privateFile(path, [confText(sections(pkg, context.source))]),
      hostRule(pkg, context),
      run(pkg, context, path, ['mirror']),
      ...(release_files ? [proof(pkg, context, root_uri ?? null)] : []),
      ...deletion(pkg, context, path),
    ];
  },
};

function program(pkg: Package): string {
  return (pkg.options as Options<'bandersnatch'>).program ?? 'bandersnatch';
}

function run(pkg: Package, context: MethodContext, config: string, words: readonly string[]): ExecStep {
  const { caFile } = pkg.network;
  return {
    kind: 'exec',
    tool: 'bandersnatch',
    argv: [program(pkg), '--config', config, ...words],
    // Neither a ~/.netrc nor modules of whoever runs it.
    env: {
      HOME: context.work,
      PYTHONNOUSERSITE: '1',
      // Where the rules about hosts and names are.
      PYTHONPATH: context.work,
      ...(caFile === null ? {} : { SSL_CERT_FILE: caFile }),
    },
    ...accepted(pkg),
  };
}

/** bandersnatch looks at changed projects only, so a file that was lost since is noticed here. */
function proof(pkg: Package, context: MethodContext, root: string | null): ProveSimpleStep {
  return {
    kind: 'prove-simple',
    web: `${pkg.dst}/web`,
    root_uri: root,
    record: `${context.cache}/proved`,
    status: `${pkg.dst}/status`,
    todo: `${pkg.dst}/todo`,
  };
}

/** `verify --delete` downloads into place and deletes without a limit; its dry run only prints full paths. */
function deletion(pkg: Package, context: MethodContext, config: string): Step[] {
  const options = pkg.options as Options<'bandersnatch'>;
  if (!options.delete || context.fallback) return [];
  // Lines of output are matched byte by byte.
  const bytes = Buffer.from(pkg.dst.replace(/\/$/, '')).toString('latin1');
  const path = bytes.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  return [
    {
      ...run(pkg, context, config, ['verify', '--delete', '--dry-run']),
      // bandersnatch 8 logs the paths, with a time before and its own line behind.
      told_deletions: {
        pattern: `^(?:\\S+ \\S+ INFO: )?${path}/(web/packages/.+?)(?: \\(verify\\.py:\\d+\\))?$`,
      },
    },
  ];
}

/**
 * bandersnatch asks for what has changed since its last serial. When the site wants other projects, versions or index
 * pages than before, or from somewhere else, that is not all it lacks.
 */
function selection(pkg: Package): string {
  const { mirror = {}, ...rest } = sections(pkg, pkg.sources[0] ?? { url: '', publicUrl: '', host: null });
  const kept = Object.entries(mirror).filter(([key]) => !FREE.includes(key));
  const from = pkg.sources[0]?.host ?? '';
  return confText({ ...rest, mirror: { ...Object.fromEntries(kept), from } });
}

function sourceFindings(pkg: Package): PackageFinding[] {
  const findings = webSourceFindings(pkg, ['https', 'http']);
  const named = pkg.sources.some((source) => (webSource(source.url)?.user ?? '') !== '');
  if (pkg.password !== null || named) {
    const message = 'bandersnatch writes a login, password included, into its log, so it is given none';
    const help = 'take user and password out of the URL';
    findings.push(mistake('login-unsupported', '/settings/src', message, help));
  }
  return findings;
}

function networkFindings(pkg: Package): PackageFinding[] {
  const { family, bind } = pkg.network;
  return [
    ...(family === 'any' ? [] : [unsupported('family', 'bandersnatch cannot choose an address family')]),
    ...(bind === null ? [] : [unsupported('bind', 'bandersnatch cannot bind an address')]),
    ...proxyFindings(pkg),
  ];
}

/** Options that contradict each other, or what mirror answers for. */
function optionFindings(pkg: Package): PackageFinding[] {
  const options = pkg.options as Options<'bandersnatch'>;
  const findings: PackageFinding[] = [];
  const refuse = (key: string, message: string, help: string): void => {
    findings.push(mistake('bandersnatch-options', `/settings/options/${key}`, message, help));
  };
  if (options.delete && !options.json)
    refuse('delete', '`delete` goes by the metadata that only `json` keeps', 'add `"json": true`');
  if (options.delete && !options.release_files)
    refuse('delete', 'without `release_files` there is nothing to delete', 'take `delete` out');
  if (options.delete && pkg.sources[0]?.url.startsWith('http:') === true)
    refuse('delete', 'bandersnatch verifies over `https` only', 'give an `https` source');
  if (!options.release_files && options.root_uri === undefined)
    refuse(
      'release_files',
      'without files, links must lead somewhere',
      'give the `root_uri` they begin with',
    );
  if (options.download_mirror_no_fallback && options.download_mirror === undefined)
    refuse('download_mirror_no_fallback', 'there is no `download_mirror`', 'add one, or take this out');
  for (const [section, keys] of Object.entries(options.extra)) {
    for (const key of Object.keys(keys).filter((name) => OURS[section]?.includes(name))) {
      const help = section === 'plugins' ? 'name it in `plugins`' : 'take it out';
      refuse(`extra/${section}/${key}`, `\`${key}\` is set by mirror itself`, help);
    }
  }
  return findings;
}

/** A dst that the file could not hold; the schema sees to everything else. */
function valueFindings(pkg: Package): PackageFinding[] {
  if (holdable(pkg.dst)) return [];
  const message = 'bandersnatch cannot be told a directory with blanks at its end or control characters';
  return [mistake('plain-path', '/settings/dst', message, 'rename it')];
}

/** With a file of the site's own, nothing else has a say. */
function ownConfigFindings(pkg: Package): PackageFinding[] {
  const { config } = pkg.options as Options<'bandersnatch'>;
  const others = Object.entries(pkg.options)
    .filter(([key]) => !/^(_.*|config|program)$/.test(key))
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(PROPERTIES[key]?.default))
    .map(([key]) => key);
  const network = pkg.network.proxy === null ? [] : ['proxy'];
  const found = (at: string, key: string): PackageFinding => {
    const message = `\`${key}\` would not be used: ${config ?? ''} says everything`;
    return mistake('bandersnatch-options', at, message, 'set it there, or take `config` out');
  };
  return [
    ...others.map((key) => found(`/settings/options/${key}`, key)),
    ...network.map((key) => found(`/network/${key}`, key)),
    ...(pkg.password === null ? [] : [found('/settings/src', 'password')]),
  ];
}
