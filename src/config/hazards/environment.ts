import { escapeSegment } from '../pointer.js';
import { packageWarning, siteWarning } from '../rules/rule.js';
import { isObject } from '../sources.js';
import type { Hazard, HazardRule, Row } from './hazard.js';

interface VariableRow extends Row {
  readonly names: RegExp;
}

/** Variables that are code, or lead programs to code: ld.so(8), bash(1), git(1), rsync(1), perlrun(1), python(1). */
const VARIABLES: readonly VariableRow[] = [
  {
    names: /^(LD_.*|GCONV_PATH|GLIBC_TUNABLES|LOCPATH|NLSPATH|MALLOC_.*)$/,
    said: 'always',
    does: 'decides what the dynamic linker and the C library load into every program',
  },
  { names: /^NODE_.*$/, said: 'always', does: 'decides what Node loads, and whom it trusts' },
  {
    names: /^(BASH_ENV|BASHOPTS|BASH_FUNC_.*|CDPATH|ENV|GLOBIGNORE|IFS|PROMPT_COMMAND|PS[0-4]|SHELLOPTS)$/,
    said: 'always',
    does: 'decides what every shell of the run does',
  },
  {
    names: /^(PERL5DB|PERL5LIB|PERL5OPT|PERLLIB|PYTHONHOME|PYTHONPATH|PYTHONSTARTUP|RUBYLIB|RUBYOPT)$/,
    said: 'always',
    does: "decides what the tool's language loads",
  },
  { names: /^PYTHON.*$/, said: 'strict', does: 'changes how Python runs' },
  {
    names:
      /^GIT_(ASKPASS|CONFIG.*|EDITOR|EXEC_PATH|EXTERNAL_DIFF|PAGER|PROXY_COMMAND|SEQUENCE_EDITOR|SSH.*|TEMPLATE_DIR)$/,
    said: 'always',
    does: 'names a program that git runs, or a configuration that does',
  },
  { names: /^GIT_.*$/, said: 'strict', does: 'changes what git reads, writes and trusts' },
  {
    names: /^RSYNC_(CONNECT_PROG|RSH|SHELL)$/,
    said: 'always',
    does: 'names a program that rsync runs',
  },
  {
    names: /^(BROWSER|EDITOR|LESSCLOSE|LESSOPEN|PAGER|SSH_ASKPASS|SSH_ASKPASS_REQUIRE|VISUAL)$/,
    said: 'always',
    does: 'names a program that the tool may run',
  },
  { names: /^PATH$/, said: 'strict', does: 'decides which program of a name is run' },
  {
    names:
      /^(APT_CONFIG|CURL_HOME|DNF_.*|GNUPGHOME|HOME|LFTP_HOME|NETRC|OPENSSL_.*|SYSTEM_WGETRC|WGETRC|XDG_.*)$/,
    said: 'strict',
    does: 'leads the tool to another configuration',
  },
  {
    names: /^(CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|SSL_CERT_DIR|SSL_CERT_FILE)$/,
    said: 'strict',
    does: 'decides whom the tool trusts; `network.ca_file` is checked',
  },
];

const HELP = 'take it out, unless its value was reviewed like a program';

/** Environment variables by which a config runs code in a tool. */
export const codeInEnvironment: HazardRule = ({ config, packages }) => [
  ...variables(config.settings.env).map(({ key, said, does }): Hazard => {
    const finding = siteWarning(`/settings/env/${escapeSegment(key)}`, words(key, does), 'key');
    return { said, finding };
  }),
  ...packages.flatMap(({ pkg, config: own }) =>
    (
      [
        ['/env', own.env],
        ['/settings/options/env', own.settings.options?.env],
      ] as const
    ).flatMap(([at, env]) =>
      variables(env).map(({ key, said, does }): Hazard => {
        const finding = packageWarning(pkg.id, `${at}/${escapeSegment(key)}`, words(key, does), 'key');
        return { said, finding };
      }),
    ),
  ),
];

function words(key: string, does: string): { code: string; message: string; help: string } {
  return { code: 'env-code', message: `\`${key}\` ${does}`, help: HELP };
}

function variables(env: unknown): (VariableRow & { readonly key: string })[] {
  if (!isObject(env)) return [];
  return Object.keys(env).flatMap((key) => {
    const row = VARIABLES.find(({ names }) => names.test(key));
    return row ? { ...row, key } : [];
  });
}
