import type { Output, Published } from './output.js';
import { pythonJson, seconds } from './python-json.js';

/**
 * mirror.py's stat.json: every package, hidden ones too, with its settings as compiled (no passwords). Local paths and
 * hidden names are nobody else's business: 0640.
 */
export const stat: Output = {
  name: 'stat.json',
  path: (site) => site.statfile,
  mode: 0o640,
  render: (site, packages) =>
    pythonJson({
      mirrorname: site.mirrorname,
      packages: Object.fromEntries(packages.map((each) => [each.pkg.id, entry(each)])),
    }),
};

function entry({ pkg, state, view }: Published): object {
  return {
    id: pkg.id,
    name: pkg.name,
    href: pkg.href,
    synctype: pkg.synctype,
    syncrate: pkg.syncrate,
    link: pkg.link,
    settings: { hidden: pkg.hidden, src: pkg.src, dst: pkg.dst, options: pkg.options },
    lastsync: seconds(state.last?.ended ?? state.last_end),
    // The one time in milliseconds.
    timestamp: view.since,
    status: {
      status: view.published,
      statusinfo: {
        lasterrorlog: state.last_error_log,
        lastsuccesslog: state.last_success_log,
        runninglog: view.run?.log ?? null,
        errorcount: state.errors,
        lastsuccesstime: seconds(state.last_success),
        lasterrortime: seconds(state.last_error),
      },
    },
  };
}
