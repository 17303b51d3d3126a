import { vi } from 'vitest';
import { ExitError } from '../../src/commands/exit.js';

export interface Ran {
  readonly stdout: string;
  readonly exit: number;
  /** What would go to stderr. */
  readonly message: string;
}

/** Runs a command's handler in this process and tells what it printed and how it would exit; `hear` is told at once. */
export async function outputOf(run: () => unknown, hear?: (text: string) => void): Promise<Ran> {
  let stdout = '';
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += chunk.toString();
    hear?.(chunk.toString());
    return true;
  });
  try {
    await run();
    return { stdout, exit: 0, message: '' };
  } catch (error) {
    if (error instanceof ExitError) return { stdout, exit: error.code, message: error.message };
    throw error;
  } finally {
    spy.mockRestore();
  }
}
