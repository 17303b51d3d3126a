import common from '../../schemas/common.schema.json' with { type: 'json' };
import packageSchema from '../../schemas/package.schema.json' with { type: 'json' };
import siteSchema from '../../schemas/site.schema.json' with { type: 'json' };

const { retry, firstSync, guard, network, resources, keep, fileFormat, siteLogFormat } = common.definitions;
const settings = siteSchema.properties.settings.properties;
const pkg = packageSchema.properties;

/**
 * The built-in defaults, as the schemas document them: one place, seen by editors, the manual and the code. What a
 * default is computed from (`name`, `href`, `stale_after`, `phase`) is in the normalizing code.
 */
export const DEFAULTS = {
  package: {
    push: pkg.push.default,
    disabled: pkg.disabled.default,
    hidden: pkg.settings.properties.hidden.default,
    minGap: pkg.min_gap.default,
    maxRuntime: pkg.max_runtime.default,
    umask: pkg.umask.default,
    sandbox: pkg.sandbox.default as 'strict',
    fullEvery: pkg.precheck.properties.full_every.default,
    freshnessFormat: common.definitions.markerFormat.default as 'date',
    monotonic: common.definitions.markerMonotonic.default,
  },
  retry: {
    delay: retry.properties.delay.default,
    attempts: retry.properties.attempts.default,
    maxDelay: retry.properties.max_delay.default,
  },
  firstSync: { maxRuntime: firstSync.properties.max_runtime.default },
  guard: {
    deletes: guard.properties.deletes.default,
    ratio: guard.properties.ratio.default,
    minFree: guard.properties.min_free.default,
  },
  network: { family: network.properties.family.default as 'any' },
  resources: {
    nice: resources.properties.nice.default,
    io: resources.properties.io.default,
    memoryHigh: resources.properties.memory_high.default,
    tasksMax: resources.properties.tasks_max.default,
  },
  keep: {
    ok: keep.properties.ok.default,
    failed: keep.properties.failed.default,
    unchanged: keep.properties.unchanged.default,
    total: keep.properties.total.default,
  },
  fileFormat: {
    folder: fileFormat.properties.folder.default,
    filename: fileFormat.properties.filename.default,
    gzip: fileFormat.properties.gzip.default,
  },
  siteLogFormat: {
    folder: siteLogFormat.properties.folder.default,
    filename: siteLogFormat.properties.filename.default,
    gzip: siteLogFormat.properties.gzip.default,
  },
  settings: {
    scheduler: settings.scheduler.default as 'systemd',
    systemdVersion: settings.systemd.properties.version.default,
    uid: settings.uid.default,
    gid: settings.gid.default,
    concurrent: settings.limits.properties.concurrent.default,
    perUpstream: settings.limits.properties.per_upstream.default,
    afterFailures: settings.notify.properties.after_failures.default,
    sendmail: settings.notify.properties.sendmail.default,
    notifySandbox: settings.notify.properties.sandbox.default as 'strict',
    socketMode: settings.socket.properties.mode.default,
    level: settings.logger.properties.level.default,
    packagelevel: settings.logger.properties.packagelevel.default,
    format: settings.logger.properties.format.default,
    packageformat: settings.logger.properties.packageformat.default,
    logLimit: settings.logger.properties.max_size.default,
  },
} as const;
