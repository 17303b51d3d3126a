import type { Network, Package } from '../model/site.js';
import { unsupported } from './findings.js';
import type { Options, PackageFinding, SyncMethod } from './method.js';
import { untoldPassword } from './password.js';

/**
 * Runs an argv list from the config, without a shell, in dst. The program learns what to do from its environment:
 * MIRROR_ID, MIRROR_SRC and MIRROR_DST, MIRROR_NESTED (other packages' trees below dst, a line each), and the usual names for a proxy and a CA file. Exit 0 is success; `accept_exit` may allow others.
 * What it deletes is counted afterwards, because nothing can limit it.
 */
export const command: SyncMethod = {
  name: 'command',
  tools: (pkg) => {
    const [program] = (pkg.options as Options<'command'>).command;
    return [{ command: program, debian: '' }];
  },
  check: (pkg) => [...unusedNetwork(pkg.network), ...untoldPassword(pkg)],
  checkNested,
  steps: (pkg, { source }) => [
    { kind: 'require-directory', path: pkg.dst },
    {
      kind: 'exec',
      tool: 'command',
      argv: (pkg.options as Options<'command'>).command,
      env: {
        ...networkEnvironment(pkg.network),
        ...(pkg.options as Options<'command'>).env,
        MIRROR_ID: pkg.id,
        MIRROR_SRC: source.url,
        MIRROR_DST: pkg.dst,
        ...(pkg.nested === undefined ? {} : { MIRROR_NESTED: pkg.nested.join('\n') }),
      },
      accept: pkg.acceptExit,
      watch_deletions: (pkg.options as Options<'command'>).guard === 'none' ? 'told' : 'guarded',
    },
  ],
};

/** The names by which curl, wget, git, Python and OpenSSL programs look for a proxy and a CA file. */
function networkEnvironment({ proxy, caFile }: Network): Record<string, string> {
  const env: Record<string, string> = {};
  if (proxy !== null) for (const name of ['http_proxy', 'https_proxy', 'ftp_proxy']) env[name] = proxy;
  if (caFile !== null)
    for (const name of ['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO']) env[name] = caFile;
  return env;
}

/** Only the program itself can leave a tree alone. */
function checkNested({ nested = [], id }: Package): PackageFinding[] {
  return nested.map((path) => ({
    code: 'nested-dst',
    severity: 'warning',
    message: `\`${path}\`, the dst of another package, lies in the dst of \`${id}\``,
    help: 'make sure that the command leaves the paths alone that MIRROR_NESTED names, one a line',
    at: '/settings/dst',
  }));
}

/** What no environment variable can say: the command would go its own way unseen. */
function unusedNetwork({ family, bind }: Network): PackageFinding[] {
  const unused = [...(family === 'any' ? [] : ['family']), ...(bind === null ? [] : ['bind'])];
  const help = 'give it as an option of the command itself';
  return unused.map((key) => unsupported(key, `a command cannot be told \`network.${key}\``, help));
}
