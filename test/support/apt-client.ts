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
    const all = {
      Dir: root,
      'Dir::State': join(root, 'state'),
      'Dir::State::status': join(root, 'status'),
      'Dir::Cache': join(root, 'cache'),
      'APT::Architecture': 'amd64',
      'APT::Architectures': 'amd64',
      'APT::Sandbox::User': 'root',
      'APT::Update::Error-Mode': 'any',
      'Acquire::http::Proxy': 'DIRECT',
      'Acquire::Retries': '0',
      ...settings,
    };
    const words = [
      ...Object.entries(all).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
      ...['en', ...languages].flatMap((language) => ['-o', `Acquire::Languages::=${language}`]),
    ];
    const updated = await aptGet([...words, 'update']);
    if (updated.code !== 0) return { ...updated, requests: server.requests };
    const install = [...words, '--yes', '--download-only', 'install', ...packages];
    const installed = await aptGet(install);
    return { code: installed.code, output: updated.output + installed.output, requests: server.requests };
  } finally {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

function aptGet(words: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    execFile('apt-get', words, { env: { ...process.env, LC_ALL: 'C' } }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? 1);
      done({ code, output: stdout + stderr });
    });
  });
}
