import type { Finding, Place } from '../../diagnostics/diagnostic.js';
import type { Package, Site } from '../../model/site.js';
import { executableFindings, some } from '../findings.js';
import type { SchedulerContext } from '../scheduler.js';
import { isPrefix } from './addresses.js';
import { isAccount, pathProblem } from './escape.js';

/** ProtectProc= and LoadCredential= came with it. */
const OLDEST = 247;

/** What units cannot hold (errors), and what the operator gave up (warnings). */
export function findings(site: Site, { executable, jobs }: SchedulerContext): Finding[] {
  const { settings } = site;
  const { fileformat } = settings.logger;
  const shared = {
    ...(fileformat === null ? {} : { '/settings/logger/fileformat/base': fileformat.base }),
    '/settings/logger/packagefileformat/base': settings.logger.packagefileformat.base,
    '/settings/statfile': settings.statfile,
    '/settings/statusfile': settings.statusfile,
  };
  const accounts = {
    '/settings/uid': settings.uid,
    '/settings/gid': settings.gid,
    '/settings/socket/uid': settings.socket.uid,
    '/settings/socket/gid': settings.socket.gid,
  };
  const off = site.packages.filter(({ sandbox }) => sandbox === 'off').map(({ id }) => id);
  return [
    ...executableFindings(executable),
    ...Object.entries(shared).flatMap(([at, path]) => pathFinding(path, valueAt(site, at))),
    ...Object.entries(accounts).flatMap(([at, account]) => accountFinding(account, valueAt(site, at))),
    ...site.packages.flatMap((pkg) =>
      packageFindings(site, pkg, Object.values(jobs.get(pkg.id)?.secrets ?? {})),
    ),
    ...(settings.systemd.version < OLDEST ? [tooOld(site)] : []),
    ...(off.length > 0 ? [sandboxOff(off)] : []),
    ...(settings.notify?.sandbox === 'off' ? [notifySandboxOff(site)] : []),
  ];
}

function valueAt(site: Site, pointer: string): Place {
  return { file: site.configPath, pointer, target: 'value' };
}

function packageFindings(site: Site, pkg: Package, secrets: readonly string[]): Finding[] {
  const at = (path: string): Place => valueAt(site, `/packages/${pkg.id}${path}`);
  return [
    ...pathFinding(pkg.dst, at('/settings/dst')),
    ...secrets.flatMap((file) => pathFinding(file, at('/settings/options/password_file'))),
    ...accountFinding(pkg.user, at('/user')),
    ...accountFinding(pkg.group, at('/group')),
    ...pkg.network.allow.flatMap((text, index) =>
      addressFinding(text, at(`/network/allow/${String(index)}`)),
    ),
  ];
}

function pathFinding(path: string, place: Place): Finding[] {
  const problem = pathProblem(path);
  if (problem === null) return [];
  return [
    {
      code: 'bad-path',
      severity: 'error',
      message: `the path ${problem}, which a systemd unit cannot hold`,
      help: 'use a plain absolute path',
      place,
    },
  ];
}

function addressFinding(text: string, place: Place): Finding[] {
  if (isPrefix(text)) return [];
  const message = `\`${text}\` is not an IP address or a prefix of one`;
  return [
    {
      code: 'bad-address',
      severity: 'error',
      message,
      help: 'use e.g. `10.1.0.0/16` or `2001:db8::1`',
      place,
    },
  ];
}

function accountFinding(account: string | number, place: Place): Finding[] {
  if (isAccount(account)) return [];
  return [
    {
      code: 'bad-account',
      severity: 'error',
      message: `\`${String(account).slice(0, 40)}\` is no user or group name`,
      help: 'use a name of letters, digits, `_`, `.` and `-`, or a number',
      place,
    },
  ];
}

function tooOld(site: Site): Finding {
  return {
    code: 'old-systemd',
    severity: 'warning',
    message: `the units need systemd ${OLDEST}, \`settings.systemd.version\` is ${site.settings.systemd.version}`,
    help: 'set `sandbox` to `off`, or use `"scheduler": "crontab"`',
    place: valueAt(site, '/settings/systemd/version'),
  };
}

function notifySandboxOff(site: Site): Finding {
  return {
    code: 'sandbox-off',
    severity: 'warning',
    message: 'no sandbox around what sends notices',
    help: 'prefer a mail program without set-id bits, a `webhook_file` or a `command`, and `"sandbox": "strict"`',
    place: valueAt(site, '/settings/notify/sandbox'),
  };
}

function sandboxOff(ids: readonly string[]): Finding {
  return {
    code: 'sandbox-off',
    severity: 'warning',
    message: `no sandbox around the runs of ${some(ids)}`,
    help: 'prefer `"sandbox": "standard"`',
  };
}
