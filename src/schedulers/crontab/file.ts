import Handlebars from 'handlebars/runtime.js';
import systemForm from '../../../templates/crontab.hbs';
import userForm from '../../../templates/crontab-user.hbs';
import { hashedPhase } from '../../model/phase.js';
import type { Site } from '../../model/site.js';
import type { SchedulerContext } from '../scheduler.js';
import { comment, cronWord } from './escape.js';
import { cronTimes } from './times.js';

/** cron itself gives /usr/bin:/bin, where neither a local node nor sbin's tools are. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const handlebars = Handlebars.create();
handlebars.registerHelper('comment', (text: string) => comment(text));
const forms = {
  system: handlebars.template(systemForm),
  user: handlebars.template(userForm),
};

/** `/etc/cron.d/mirror`: the lines run as root and the executor becomes each package's user. */
export function cronFile(site: Site, context: SchedulerContext): string {
  return forms.system({ config: site.configPath, PATH, entries: entries(site, context) });
}

/** The marked block for a user's own crontab: sets no variable, which would reach the user's other lines. */
export function userBlock(site: Site, context: SchedulerContext): string {
  return forms.user({ config: site.configPath, PATH, entries: entries(site, context) });
}

function entries(site: Site, { jobs, executable }: SchedulerContext): { times: string; command: string }[] {
  const program = cronWord(executable);
  const zone = site.settings.localtimezone;
  const packages = site.packages.flatMap(({ id }) => {
    const rule = jobs.get(id)?.schedule.rule;
    if (!rule || rule.kind === 'none') return [];
    return [{ times: cronTimes(rule, zone), command: `${program} run --scheduled ${cronWord(id)}` }];
  });
  const offset = hashedPhase(site.node, 'mirror-tick', 15, [], 'UTC');
  const tick = cronTimes({ kind: 'interval', every: 900, phase: offset * 60 }, 'UTC');
  return [...packages, { times: tick, command: `${program} publish` }];
}
