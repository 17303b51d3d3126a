import { formatDuration } from '../model/duration.js';
import type { Package } from '../model/site.js';
import { formatSize } from '../model/size.js';
import { appended, merge, origin, type Layer } from './merge.js';
import { segments } from './pointer.js';
import { HIDDEN, isSecretKey } from './secret-text.js';
import { member, type Sources } from './sources.js';

/** Where an effective value was set. */
export interface ValueOrigin {
  readonly kind: 'package' | 'defaults' | 'settings' | 'built-in';
  /** `packages.debian`, `defaults.all`, `settings`, or how a built-in value is made. */
  readonly label: string;
  readonly file: string | null;
  readonly line: number | null;
}

/** One value that a package really has, secrets hidden. */
export interface EffectiveValue {
  /** As in the config: `retry.delay`. */
  readonly key: string;
  readonly value: unknown;
  readonly origin: ValueOrigin;
}

interface Row {
  readonly key: string;
  readonly value: unknown;
  /** Pointers in the package that may set it, the strongest first; default the key itself. */
  readonly from?: readonly string[];
  /** Pointers in the main file's settings. */
  readonly settings?: readonly string[];
  /** How a built-in value is made, where it is no plain default. */
  readonly made?: string;
}

/** Every effective value of a package, in the order of the manual; unset ones without a default are left out. */
export function effectiveValues(pkg: Package, sources: Sources, layers: readonly Layer[]): EffectiveValue[] {
  const written = layers.reduce<unknown>((value, layer) => merge(value, layer.value), undefined);
  return rows(pkg, written)
    .filter(({ value }) => value !== null && value !== undefined)
    .map((row) => ({ key: row.key, value: row.value, origin: originOf(row, sources, layers) }));
}

function originOf(row: Row, sources: Sources, layers: readonly Layer[]): ValueOrigin {
  const own = row.from ?? [`/${row.key.replaceAll('.', '/')}`];
  for (const pointer of own) {
    const found = origin(layers, segments(pointer));
    if (!found) continue;
    const isPackage = found.label === layers.at(-1)?.label;
    const label = allLabels(found, layers, segments(pointer));
    return positioned(isPackage ? 'package' : 'defaults', label, found.file, found.pointer, sources);
  }
  for (const pointer of row.settings ?? []) {
    const path = segments(pointer);
    if (path.reduce(member, sources.main.value) === undefined) continue;
    return positioned('settings', path.join('.'), sources.main.path, pointer, sources);
  }
  return { kind: 'built-in', label: row.made ?? 'built-in default', file: null, line: null };
}

/** The layers that a list with appended items is made of, from weak to strong; of other values the one it is from. */
function allLabels(found: Layer, layers: readonly Layer[], path: readonly string[]): string {
  if (appended(found.value) === null) return found.label;
  const labels = new Set<string>();
  for (let item: Layer | null, at = 0; (item = origin(layers, [...path, String(at)])) !== null; at++)
    labels.add(item.label);
  return [...labels.add(found.label)].join(' + ');
}

function positioned(
  kind: ValueOrigin['kind'],
  label: string,
  file: string,
  pointer: string,
  sources: Sources,
): ValueOrigin {
  const span = sources.documents.get(file)?.locate(pointer, 'key');
  return { kind, label, file, line: span?.line ?? null };
}

/** A key that `settings` may set for every package under the same name. */
function policy(key: string, value: unknown, extra: readonly string[] = []): Row {
  return { key, value, settings: [`/settings/${key.replaceAll('.', '/')}`, ...extra] };
}

/** `written`: the package with what it inherits, for what is shown as the config has it. */
function rows(pkg: Package, written: unknown): Row[] {
  const { rule, windows } = pkg.schedule;
  return [
    { key: 'name', value: pkg.name, made: 'the id' },
    { key: 'href', value: pkg.href, made: '/ and the id' },
    { key: 'synctype', value: pkg.synctype },
    { key: 'syncrate', value: pkg.syncrate, made: 'from the schedule' },
    { key: 'schedule', value: member(written, 'schedule') },
    { key: 'synctime', value: member(written, 'synctime') },
    {
      key: 'phase',
      value: rule.kind === 'interval' ? formatDuration(rule.phase) : null,
      made: 'hash of machine and id',
    },
    { key: 'window', value: windows.length > 0 ? windows.map(windowText) : null },
    policy('min_gap', formatDuration(pkg.minGap)),
    { key: 'push', value: pkg.push, from: pkg.syncrate === 'PUSH' ? ['/push', '/syncrate'] : ['/push'] },
    { key: 'link', value: pkg.link.length > 0 ? pkg.link : null },
    { key: 'disabled', value: pkg.disabled },
    { key: 'hosts', value: member(written, 'hosts') },
    { key: 'settings.hidden', value: pkg.hidden },
    { key: 'settings.src', value: pkg.sources.map(({ publicUrl }) => publicUrl), made: 'none' },
    { key: 'settings.dst', value: pkg.dst },
    ...Object.entries(pkg.options).map(([key, value]) => ({
      key: `settings.options.${key}`,
      value: isSecretKey(key) ? HIDDEN : hideIn(value),
      from: [`/settings/options/${key}`],
    })),
    ...password(pkg),
    policy('retry.delay', formatDuration(pkg.retry.delay), ['/settings/errorcontinuetime']),
    policy('retry.attempts', pkg.retry.attempts),
    policy('retry.max_delay', formatDuration(pkg.retry.maxDelay)),
    policy('max_runtime', formatDuration(pkg.maxRuntime)),
    policy('first_sync.max_runtime', formatDuration(pkg.firstSync.maxRuntime)),
    policy('guard.deletes', pkg.guard.deletes),
    policy('guard.ratio', pkg.guard.ratio),
    policy('guard.min_free', minFreeText(pkg.guard.minFree)),
    policy('guard.mount', pkg.guard.mount),
    { key: 'keep_deleted', value: pkg.keepDeleted === null ? null : formatDuration(pkg.keepDeleted) },
    ...precheck(pkg),
    ...freshness(pkg),
    { key: 'accept_exit', value: Object.keys(pkg.acceptExit).length > 0 ? pkg.acceptExit : null },
    {
      ...policy('stale_after', pkg.staleAfter === null ? null : formatDuration(pkg.staleAfter)),
      made: 'three intervals, at least a day',
    },
    policy('network.family', pkg.network.family),
    policy('network.bind', pkg.network.bind),
    policy('network.proxy', pkg.network.proxy),
    policy('network.ca_file', pkg.network.caFile),
    policy('network.ssh.key', pkg.network.ssh.key),
    policy('network.ssh.known_hosts', pkg.network.ssh.knownHosts),
    policy('network.ssh.port', pkg.network.ssh.port),
    ...Object.entries(pkg.env).map(([key, value]) => ({
      key: `env.${key}`,
      value: isSecretKey(key) ? HIDDEN : value,
      from: [`/env/${key}`],
      settings: [`/settings/env/${key}`],
    })),
    { key: 'user', value: pkg.user, settings: ['/settings/uid'] },
    { key: 'group', value: pkg.group, settings: ['/settings/gid'] },
    policy('umask', pkg.umask),
    policy('sandbox', pkg.sandbox),
    policy('resources.nice', pkg.resources.nice),
    policy('resources.io', ioText(pkg)),
    policy('resources.cpu_weight', pkg.resources.cpuWeight),
    policy('resources.io_weight', pkg.resources.ioWeight),
    policy('resources.memory_high', pkg.resources.memoryHigh),
    policy('resources.memory_max', pkg.resources.memoryMax),
    policy('logger.keep.ok', formatDuration(pkg.keep.ok)),
    policy('logger.keep.failed', formatDuration(pkg.keep.failed)),
    policy('logger.keep.unchanged', formatDuration(pkg.keep.unchanged)),
    policy('logger.keep.total', formatSize(pkg.keep.total)),
    policy('logger.max_size', formatSize(pkg.logLimit)),
    { key: 'renamed_from', value: pkg.renamedFrom },
  ];
}

function password({ password: secret }: Package): Row[] {
  if (secret === null) return [];
  if ('file' in secret) {
    return [{ key: 'settings.options.password_file', value: secret.file }];
  }
  const from = ['/settings/options/password', '/settings/src'];
  return [{ key: 'settings.options.password', value: HIDDEN, from }];
}

function precheck(pkg: Package): Row[] {
  if (!pkg.precheck) return [];
  const { file, fullEvery, always } = pkg.precheck;
  return [
    { key: 'precheck.file', value: file, from: ['/precheck/file', '/settings/options/fftsfile'] },
    { key: 'precheck.full_every', value: formatDuration(fullEvery) },
    { key: 'precheck.always', value: always.length > 0 ? always : null },
  ];
}

function freshness(pkg: Package): Row[] {
  return pkg.freshness.flatMap(({ file, format, maxAge, monotonic }, index) => {
    const key = pkg.freshness.length > 1 ? `freshness[${String(index)}]` : 'freshness';
    return [
      { key: `${key}.file`, value: file },
      { key: `${key}.format`, value: format },
      { key: `${key}.max_age`, value: maxAge === null ? null : formatDuration(maxAge) },
      { key: `${key}.monotonic`, value: monotonic },
    ];
  });
}

function hideIn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, isSecretKey(key) ? HIDDEN : (inner as unknown)]),
  );
}

function minFreeText(minFree: Package['guard']['minFree']): string {
  return 'share' in minFree ? `${Math.round(minFree.share * 1e5) / 1000}%` : formatSize(minFree.bytes);
}

function ioText({ resources: { io } }: Package): string {
  return io.class === 'idle' ? 'idle' : `${io.class} ${io.level}`;
}

function windowText({ from, to }: { from: number; to: number }): string {
  const clock = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  return `${clock(from)}-${clock(to)}`;
}
