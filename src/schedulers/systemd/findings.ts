import type { Finding } from '../../diagnostics/diagnostic.js';
import type { Package, Site } from '../../model/site.js';
import { executableFindings, some } from '../findings.js';
import type { SchedulerContext } from '../scheduler.js';
import { isAccount, pathProblem } from './escape.js';

/** ProtectProc= and LoadCredential= came with it. */
const OLDEST = 247;

/** What units cannot hold (errors), and what the operator gave up (warnings). */
export function findings(site: Site, { executable, jobs }: SchedulerContext): Finding[] {
  const { settings } = site;
  const shared = {
    logfolder: settings.logger.packagefileformat.base,
    statfile: settings.statfile,
    statusfile: settings.statusfile,
  };
  const off = site.packages.filter(({ sandbox }) => sandbox === 'off').map(({ id }) => id);
  return [
    ...executableFindings(executable),
    ...Object.entries(shared).flatMap(([key, path]) => pathFinding(`\`${key}\``, path)),
    ...[settings.uid, settings.gid].flatMap((account) => accountFinding('the site', account)),
    ...[settings.socket.uid, settings.socket.gid].flatMap((account) =>
      accountFinding('the control socket', account),
    ),
    ...site.packages.flatMap((pkg) => packageFindings(pkg, Object.values(jobs.get(pkg.id)?.secrets ?? {}))),
    ...(settings.systemd.version < OLDEST ? [tooOld(settings.systemd.version)] : []),
    ...(off.length > 0 ? [sandboxOff(off)] : []),
  ];
}

function packageFindings(pkg: Package, secrets: readonly string[]): Finding[] {
  return [
    ...pathFinding(`\`dst\` of \`${pkg.id}\``, pkg.dst),
    ...secrets.flatMap((file) => pathFinding(`the password file of \`${pkg.id}\``, file)),
    ...[pkg.user, pkg.group].flatMap((account) => accountFinding(`\`${pkg.id}\``, account)),
  ];
}

function pathFinding(what: string, path: string): Finding[] {
  const problem = pathProblem(path);
  if (problem === null) return [];
  return [
    {
      code: 'bad-path',
      severity: 'error',
      message: `${what} ${problem}, which a systemd unit cannot hold`,
      help: 'use a plain absolute path',
    },
  ];
}

function accountFinding(what: string, account: string | number): Finding[] {
  if (isAccount(account)) return [];
  return [
    {
      code: 'bad-account',
      severity: 'error',
      message: `\`${String(account).slice(0, 40)}\` of ${what} is no user or group name`,
      help: 'use a name of letters, digits, `_`, `.` and `-`, or a number',
    },
  ];
}

function tooOld(version: number): Finding {
  return {
    code: 'old-systemd',
    severity: 'warning',
    message: `the units need systemd ${OLDEST}, \`settings.systemd.version\` is ${version}`,
    help: 'set `sandbox` to `off`, or use `"scheduler": "crontab"`',
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
