import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { endChild } from './child.js';

/** The system's Python: Debian's modules are not seen by others. */
const PYTHON = '/usr/bin/python3';

export interface PythonServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Whether Python and a module of it are there. */
export function hasPython(module: string): boolean {
  return spawnSync(PYTHON, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0;
}

/** Starts `test/support/<script>` and waits for the port that it prints. */
export async function startPythonServer(
  script: 'ftpd.py' | 'indexd.py' | 'pypid.py',
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PythonServer> {
  const child = spawn(PYTHON, ['-W', 'ignore', join(import.meta.dirname, script), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const port = await new Promise<number>((done, fail) => {
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.includes('\n')) done(Number(text));
    });
    child.on('exit', () => fail(new Error(`${script} did not start: ${said}`)));
  });
  return {
    port,
    stop: () => endChild(child),
  };
}
