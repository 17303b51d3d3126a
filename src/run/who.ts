import { userInfo } from 'node:os';

/** Who asks, for requests and stops: behind sudo the person counts, not root. */
export function whoAsks(env: NodeJS.ProcessEnv): string {
  if (env.SUDO_USER !== undefined && env.SUDO_USER !== '') return env.SUDO_USER;
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
