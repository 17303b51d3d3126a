import type {
  FileFormat as FileFormatConfig,
  SiteLogFormat as SiteLogConfig,
} from '../config/types.generated.js';
import { DEFAULTS } from './defaults.js';
import { plainPath } from './path.js';
import type { FileFormat, Logger } from './site.js';

/** Where the logs of runs lie: one file each. */
export function runLogPlace(config: FileFormatConfig, logfolder: string): FileFormat {
  return place(config, `${logfolder}/packages`, DEFAULTS.fileFormat);
}

/** Where the site's own log lies: one file, or one a day. */
export function siteLogPlace(config: SiteLogConfig, logfolder: string): FileFormat {
  return place(config, logfolder, DEFAULTS.siteLogFormat);
}

/** Where runs write logs: their own, and the site's if it has one. */
export function logPlaces({ packagefileformat, fileformat }: Logger): FileFormat[] {
  return fileformat === null ? [packagefileformat] : [packagefileformat, fileformat];
}

/** The directories below which runs write logs. */
export function logBases(logger: Logger): string[] {
  return [...new Set(logPlaces(logger).map(({ base }) => base))];
}

/** The path of a log, its fields as they are written. */
export function logPattern({ base, folder, filename }: FileFormat): string {
  return plainPath(`${base}/${folder}/${filename}`);
}

/** A log that is one file for ever, and whether what is put aside of it is compressed. */
export interface LogFile {
  readonly path: string;
  readonly gzip: boolean;
}

/** The site's own log; null where there is none, or where its name changes with time. */
export function siteLogFile({ fileformat }: Logger): LogFile | null {
  if (fileformat === null) return null;
  const path = logPattern(fileformat);
  return path.includes('{') ? null : { path, gzip: fileformat.gzip };
}

function place(
  config: FileFormatConfig,
  base: string,
  defaults: { readonly folder: string; readonly filename: string; readonly gzip: boolean },
): FileFormat {
  return {
    base: plainPath(config.base ?? base),
    folder: config.folder ?? defaults.folder,
    filename: config.filename ?? defaults.filename,
    gzip: config.gzip ?? defaults.gzip,
  };
}
