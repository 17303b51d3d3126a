import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHttpServer } from './http-server.js';

/** What a reader of a mirror sees. */
export interface AptResult {
  /** Exit code of the last command of apt-get that ran. */
  readonly code: number;
  readonly output: string;
  /** `METHOD PATH STATUS` of each request. */
  readonly requests: readonly string[];
}

export interface AptClientOptions {
  /** The lines of sources.list behind the URL; default `stable main`. */
  readonly suite?: string;
  readonly languages?: readonly string[];
  /** Further settings of apt. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Uses the tree at `path` as a client with its own root does, over http: `apt-get update`, then `apt-get install
 * --download-only` of the packages. `keyring` has the keys that it trusts.
 */
export async function useAptMirror(
  path: string,
  keyring: string,
  packages: readonly string[],
  { suite = 'stable main', languages = [], settings = {} }: AptClientOptions = {},
): Promise<AptResult> {
  const root = mkdtempSync(join(tmpdir(), 'mirror-apt-client-'));
  const server = await startHttpServer(path);
  try {
    for (const name of [
      'etc/apt/apt.conf.d',
      'etc/apt/preferences.d',
      'etc/apt/sources.list.d',
      'state/lists/partial',
      'cache/archives/partial',
    ])
      mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, 'status'), '');
    writeFileSync(
      join(root, 'etc/apt/sources.list'),
      `deb [arch=amd64 signed-by=${keyring}] ${server.url('')} ${suite}\n`,
    );
    const config = join(root, 'apt.conf');
    writeFileSync(config, aptConf(root, { ...languagesOf(languages), ...settings }));
    const aptGet = (...words: readonly string[]): ReturnType<typeof run> => run(config, words);
    const updated = await aptGet('update');
    if (updated.code !== 0) return { ...updated, requests: server.requests };
    const installed = await aptGet('--yes', '--download-only', 'install', ...packages);
    return { code: installed.code, output: updated.output + installed.output, requests: server.requests };
  } finally {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

/** Nothing of the host's own settings; AppStream and command-not-found as on a desktop of Ubuntu. */
function aptConf(root: string, settings: Readonly<Record<string, string>>): string {
  const all = {
    Dir: root,
    'Dir::Etc::main': 'none',
    'Dir::Etc::parts': 'apt.conf.d',
    'Dir::State': join(root, 'state'),
    'Dir::State::status': join(root, 'status'),
    'Dir::Cache': join(root, 'cache'),
    'Dir::Bin::methods': '/usr/lib/apt/methods',
    'APT::Architecture': 'amd64',
    'APT::Architectures': 'amd64',
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Acquire::http::Proxy': 'DIRECT',
    'Acquire::Retries': '0',
    ...target('DEP-11', '$(COMPONENT)/dep11/Components-$(NATIVE_ARCHITECTURE).yml'),
    ...target('CNF', '$(COMPONENT)/cnf/Commands-$(NATIVE_ARCHITECTURE)'),
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name} "${value}";\n`)
    .join('');
}

function target(name: string, key: string): Record<string, string> {
  const at = `Acquire::IndexTargets::deb::${name}`;
  return { [`${at}::MetaKey`]: key, [`${at}::ShortDescription`]: name, [`${at}::Description`]: name };
}

function languagesOf(languages: readonly string[]): Record<string, string> {
  const all = ['en', ...languages].map((language) => [`Acquire::Languages::${language}`, language]);
  return Object.fromEntries(all) as Record<string, string>;
}

function run(config: string, words: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    const env = { ...process.env, APT_CONFIG: config, LC_ALL: 'C' };
    execFile('apt-get', words, { env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? 1);
      done({ code, output: stdout + stderr });
    });
  });
}
