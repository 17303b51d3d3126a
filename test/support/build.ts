import { execFileSync } from 'node:child_process';

/** End-to-end tests run the built program; `npm test` builds once, before the first test. */
export function setup(): void {
  if (process.env.MIRROR_TEST_PREBUILT === undefined)
    execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
