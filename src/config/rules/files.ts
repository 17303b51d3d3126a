import type { Finding } from '../../diagnostics/diagnostic.js';
import { layout, STATE_DIRECTORIES } from '../../job/layout.js';
import { logBases, siteLogFile } from '../../model/logs.js';
import { inside } from './directories.js';
import { siteError, type CheckedSite } from './rule.js';

const { compiled, secrets, state, dirtyMarker, noticesMarker, controlSocket, starterSocket } = layout();

/** Files and directories that mirror itself writes; nothing else may be written in their place or below them. */
const OWN = [
  compiled,
  secrets,
  dirtyMarker,
  noticesMarker,
  controlSocket,
  starterSocket,
  ...STATE_DIRECTORIES.map((name) => `${state}/${name}`),
];

/** The two files that every run writes anew: one in the place of something else is lost, or that is. */
export function filesAreApart({ config, settings }: CheckedSite): Finding[] {
  const names = (['statusfile', 'statfile'] as const).toSorted(
    (a, b) => Object.keys(config.settings).indexOf(a) - Object.keys(config.settings).indexOf(b),
  );
  const { logfolder, logger, webroot } = settings;
  const directories = [
    ['the log folder', logfolder],
    ...logBases(logger).map((base) => ['the log folder', base] as const),
    ['the web root', webroot],
    ['the state directory', state],
  ] as const;
  return names.flatMap((name, index) => {
    const file = settings[name];
    const first = index === 0 ? undefined : names[0];
    const said = (what: string): Finding[] => {
      const message = `\`${file}\` is ${what}`;
      return [siteError(`/settings/${name}`, { code: 'same-file', message, help: 'name a file of its own' })];
    };
    if (first !== undefined && meet(file, settings[first])) {
      const other = settings[first];
      return said(file === other ? `the \`${first}\` too` : `in the way of the \`${first}\` (${other})`);
    }
    if (siteLogFile(logger)?.path === file) return said("the site's log (`logger.fileformat`) too");
    const own = OWN.find((path) => path === file || inside(file, path));
    if (own !== undefined) return said(own === file ? "mirror's own" : `in mirror's own \`${own}\``);
    const directory = directories.find(([, path]) => path === file || inside(path, file));
    return directory === undefined ? [] : said(`${directory[0]}, or a directory above it`);
  });
}

/** Whether two files cannot both be: they are one, or one would be a directory of the other. */
function meet(a: string, b: string): boolean {
  return a === b || inside(a, b) || inside(b, a);
}
