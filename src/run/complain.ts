import { EXIT } from '../job/outcome.js';
import { refusedBySystem } from '../job/system-error.js';
import { UsageError } from './arguments.js';
import { writeStderr } from './console.js';
import { JobFileError } from './job-file.js';

/** Says on stderr what went wrong in `mirror run` or `mirror publish`; returns the exit code. Never throws. */
export function complain(command: 'run' | 'publish', error: unknown): number {
  if (error instanceof UsageError) {
    writeStderr(`mirror: ${error.message}\nTry: mirror ${command} --help`);
    return EXIT.usage;
  }
  if (error instanceof JobFileError) {
    writeStderr(`mirror: ${error.message}`);
    return error.code;
  }
  const refused = refusedBySystem(error, EXIT.io);
  if (refused !== null) {
    writeStderr(`mirror: ${refused.text}`);
    return refused.exit;
  }
  const { message, stack } = error as Error;
  writeStderr(
    `mirror: this is a bug in mirror; please report it with the following lines\n${stack ?? message}`,
  );
  return EXIT.internal;
}
