import { askedBy } from '../boundary/root-service.js';

/** Who asks, for requests and stops: behind sudo the person counts, not root; over ssh also the machine. */
export function whoAsks(env: NodeJS.ProcessEnv): string {
  if (askedBy !== null) return askedBy;
  if (env.SUDO_USER !== undefined && env.SUDO_USER !== '') return env.SUDO_USER;
  const host = /^[0-9A-Fa-f.:]{2,45}(?= )/.exec(env.SSH_CONNECTION ?? '')?.[0];
  return host === undefined ? userName() : `${userName()} from ${host}`;
}

function userName(): string {
  if (process.getuid?.() === 0) return 'root';
  try {
    return process.getBuiltinModule('node:os').userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
