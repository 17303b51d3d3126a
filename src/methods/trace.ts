import type { WriteFileStep } from '../job/step.js';
import type { Package } from '../model/site.js';
import { mistake } from './findings.js';
import type { Options, PackageFinding } from './method.js';
import { isPlainPath } from './rsync-findings.js';

/** What options say of the trace. */
type TraceOptions = Options<'jigdo' | 'ubuntu'>;

/** The file below dst by which a mirror tells the time of its last sync; each has one of its own name. */
export function traceFile({ trace_path }: TraceOptions, hostname: string): string {
  return `${trace_path}/${hostname}`;
}

/** Writes it as `date -u` prints it, only after all went well; no step where `trace` is off. */
export function traceSteps(pkg: Package, hostname: string): WriteFileStep[] {
  const options = pkg.options as TraceOptions;
  if (!options.trace) return [];
  const path = `${pkg.dst}/${traceFile(options, hostname)}`;
  return [{ kind: 'write-file', path, mode: '0644', content: [{ value: 'date' }, '\n'], when_whole: true }];
}

/** The trace's directory is below dst, whatever the config says. */
export function traceFindings({ trace_path }: TraceOptions): PackageFinding[] {
  if (isPlainPath(trace_path)) return [];
  const message = `\`${trace_path}\` is not a plain path below the mirror's root`;
  return [mistake('trace-path', '/settings/options/trace_path', message, 'give one such as `project/trace`')];
}
