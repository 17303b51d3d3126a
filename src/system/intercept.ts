import type { System } from './system.js';

/** The members of the port that change something; `run` counts whatever the program does. */
export type Mutation =
  | 'writeFile'
  | 'symlink'
  | 'unlink'
  | 'makeDirectory'
  | 'removeDirectory'
  | 'chown'
  | 'chmod'
  | 'run'
  | 'lock';

/**
 * The same system with `before` called ahead of every change; what it throws prevents the change. `what` is the path,
 * or the command line.
 */
export function intercept(system: System, before: (mutation: Mutation, what: string) => void): System {
  return {
    actual: (path, guess) => system.actual(path, guess),
    read: (path) => system.read(path),
    facts: (path) => system.facts(path),
    isSteady: (path) => system.isSteady(path),
    realPath: (path) => system.realPath(path),
    list: (path, limit) => system.list(path, limit),
    user: (name) => system.user(name),
    group: (name) => system.group(name),
    query: (argv) => system.query(argv),
    stage: (files) => system.stage(files),
    uid: () => system.uid(),
    now: () => system.now(),
    writeFile: (path, content, mode, owner) => {
      before('writeFile', path);
      system.writeFile(path, content, mode, owner);
    },
    symlink: (path, target) => {
      before('symlink', path);
      system.symlink(path, target);
    },
    unlink: (path) => {
      before('unlink', path);
      system.unlink(path);
    },
    makeDirectory: (path, mode) => {
      before('makeDirectory', path);
      system.makeDirectory(path, mode);
    },
    removeDirectory: (path) => {
      before('removeDirectory', path);
      system.removeDirectory(path);
    },
    together: (action) => system.together(action),
    chown: (path, owner) => {
      before('chown', path);
      system.chown(path, owner);
    },
    chmod: (path, mode) => {
      before('chmod', path);
      system.chmod(path, mode);
    },
    run: async (argv, limitMs) => {
      before('run', argv.join(' '));
      return system.run(argv, limitMs);
    },
    askAs:
      system.askAs &&
      ((account, words, input) => {
        before('run', words.join(' '));
        return system.askAs?.(account, words, input) ?? { code: 127, stdout: '', stderr: '' };
      }),
    lock: (path) => {
      before('lock', path);
      return system.lock(path);
    },
  };
}
