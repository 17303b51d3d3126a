import type { SiteConfig, PackageConfig } from '../types.generated.js';
import { pointer, segments } from '../pointer.js';
import { packageWarning, siteWarning } from '../rules/rule.js';
import { member } from '../sources.js';
import type { Hazard, HazardRule, Row } from './hazard.js';

interface ProgramRow extends Row {
  /** Pointer in the site or the package, with patterns in the place of keys. */
  readonly at: string;
  /** Only for packages of this method. */
  readonly synctype?: string;
  readonly code: 'own-program' | 'sandbox-off';
  /** Only with this value. */
  readonly value?: string;
  readonly help?: string;
}

const OFF = { code: 'sandbox-off', value: 'off', help: 'prefer `"sandbox": "standard"`' } as const;

/** Settings of the site that name programs, or take walls away. */
const OF_SITE: readonly ProgramRow[] = [
  {
    at: '/settings/executable',
    code: 'own-program',
    said: 'strict',
    does: 'is started by every unit and cron line',
  },
  {
    at: '/settings/notify/command',
    code: 'own-program',
    said: 'strict',
    does: 'is started for every notice',
  },
  { at: '/settings/notify/sendmail', code: 'own-program', said: 'strict', does: 'is started for every mail' },
  { at: '/settings/sandbox', ...OFF, said: 'strict', does: 'takes the walls around every run away' },
];

/** Settings of a package that name programs, or files that do, or take walls away. */
const OF_PACKAGE: readonly ProgramRow[] = [
  { at: '/sandbox', ...OFF, said: 'strict', does: 'takes the walls around the runs away' },
  ...(
    [
      ['command', 'command'],
      ['bandersnatch', 'program'],
      ['bandersnatch', 'config'],
      ['bandersnatch', 'plugins'],
      ['bandersnatch', 'extra'],
      ['jigdo', 'jigdo_file'],
      ['jigdo', 'jigdo_mirror_bin'],
      ['jigdo', 'rsync_bin'],
      ['ftpsync', 'extra/RSYNC'],
      ...['1', '2', '3', '4', '5'].map((number) => ['ftpsync', `extra/HOOK${number}`] as const),
    ] as const
  ).map(([synctype, option]): ProgramRow => ({
    at: `/settings/options/${option}`,
    synctype,
    code: 'own-program',
    said: 'strict',
    does: 'decides which program or plug-in a run starts',
  })),
];

const HELP = 'take it out, or accept the code once the program was reviewed: `--accept own-program`';

/** Programs of the config's own choosing, and runs without a sandbox, each at its place. */
export const ownPrograms: HazardRule = ({ config, packages }) => [
  ...OF_SITE.flatMap((row) => hazard(row, config, (at, said) => siteWarning(at, said, 'key'))),
  ...packages.flatMap(({ pkg, config: own }) =>
    OF_PACKAGE.filter(({ synctype }) => synctype === undefined || synctype === own.synctype).flatMap((row) =>
      hazard(row, own, (at, said) => packageWarning(pkg.id, at, said, 'key')),
    ),
  ),
];

function hazard(
  { at, code, value, said, does, help = HELP }: ProgramRow,
  config: SiteConfig | PackageConfig,
  warn: (at: string, said: { code: string; message: string; help: string }) => Hazard['finding'],
): Hazard[] {
  const path = segments(at);
  const given = path.reduce<unknown>(member, config);
  if (given === undefined || (value !== undefined && given !== value)) return [];
  return [
    { said, finding: warn(pointer(...path), { code, message: `\`${path.at(-1) ?? ''}\` ${does}`, help }) },
  ];
}
