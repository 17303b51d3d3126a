import type { Finding } from '../../diagnostics/diagnostic.js';
import { packageError, packageWarning, type CheckedSite } from './rule.js';

/** mirror.py asks for a file with `ffts`; without one there is nothing to check, and every pass would be a full one. */
export function fftsHasFile({ packages }: CheckedSite): Finding[] {
  return packages
    .filter(({ pkg, config }) => config.settings.options?.ffts === true && pkg.precheck === null)
    .map(({ pkg }) => {
      const message = '`ffts` needs a file to look at';
      const help = 'name it: `"precheck": { "file": "lastupdate" }`';
      return packageError(
        pkg.id,
        '/settings/options/ffts',
        { code: 'ffts-without-file', message, help },
        'key',
      );
    });
}

/** Both spellings, two files: which one is meant, nobody can tell. */
export function onePrecheckFile({ packages }: CheckedSite): Finding[] {
  return packages.flatMap(({ pkg, config }) => {
    const { ffts, fftsfile } = (config.settings.options ?? {}) as { ffts?: boolean; fftsfile?: string };
    const file = config.precheck?.file;
    if (ffts !== true || file === undefined || fftsfile === undefined || file === fftsfile) return [];
    const message = `\`precheck.file\` is \`${file}\`, but \`fftsfile\` is \`${fftsfile}\``;
    const help = 'remove `ffts` and `fftsfile`';
    return [packageError(pkg.id, '/precheck/file', { code: 'two-precheck-files', message, help })];
  });
}

/** Settings of a precheck that never happens. */
export function precheckIsUsed({ packages }: CheckedSite): Finding[] {
  return packages.flatMap(({ pkg, config }) => {
    if (config.precheck === undefined) return [];
    const always = config.precheck.always ?? [];
    if (pkg.precheck === null && always.length > 0) {
      const message = '`precheck.always` has no effect without a file to check';
      const help = 'name the file that changes with every update in `precheck.file`';
      return [packageWarning(pkg.id, '/precheck/always', { code: 'precheck-unused', message, help }, 'key')];
    }
    if (pkg.precheck !== null && pkg.synctype !== 'rsync') {
      const message = `\`precheck\` has no effect on \`${pkg.synctype}\``;
      const help = 'remove it: only `rsync` can ask upstream for one file first';
      return [packageWarning(pkg.id, '/precheck', { code: 'precheck-unused', message, help }, 'key')];
    }
    return [];
  });
}
