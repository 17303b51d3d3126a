import type { SyncMethod } from './method.js';

/**
 * Runs an argv list from the config, without a shell, in dst. The program learns what to do from its environment:
 * MIRROR_ID, MIRROR_SRC and MIRROR_DST. Exit 0 is success; `accept_exit` may allow others.
 */
export const command: SyncMethod = {
  name: 'command',
  tools: (pkg) => {
    const program = argv(pkg.options)[0];
    return program === undefined ? [] : [{ command: program, debian: '' }];
  },
  check: () => [],
  steps: (pkg, source) => [
    { kind: 'require-directory', path: pkg.dst },
    {
      kind: 'exec',
      tool: 'command',
      argv: argv(pkg.options),
      env: {
        ...(pkg.options.env as Record<string, string> | undefined),
        MIRROR_ID: pkg.id,
        MIRROR_SRC: source.url,
        MIRROR_DST: pkg.dst,
      },
      accept: pkg.acceptExit,
    },
  ],
};

function argv(options: Readonly<Record<string, unknown>>): readonly string[] {
  return options.command as readonly string[];
}
