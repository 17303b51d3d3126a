import type { Output, Published } from './output.js';
import { pythonJson, seconds } from './python-json.js';

/** mirror.py's status.json, read by web pages: public, so hidden packages are not in it. */
export const status: Output = {
  name: 'status.json',
  path: (site) => site.statusfile,
  mode: null,
  render: (site, packages, now) => {
    const shown = packages.filter(({ pkg }) => !pkg.hidden);
    return pythonJson({
      mirrorname: site.mirrorname,
      // Milliseconds, unlike every other time here.
      lastupdate: now,
      lists: shown.map(({ pkg }) => pkg.id),
      ...Object.fromEntries(shown.map((each) => [each.pkg.id, entry(each)])),
    });
  },
};

function entry({ pkg, state, view }: Published): object {
  return {
    name: pkg.name,
    id: pkg.id,
    status: view.published,
    synctype: pkg.synctype,
    syncrate: pkg.syncrate,
    syncurl: pkg.src,
    href: pkg.href,
    lastsync: seconds(state.last?.ended ?? state.last_end),
    lastsuccesstime: seconds(state.last_success),
    lasterrortime: seconds(state.last_error),
    lastsuccesslog: state.last_success_log,
    lasterrorlog: state.last_error_log,
    errorcount: state.errors,
    links: pkg.link,
  };
}
