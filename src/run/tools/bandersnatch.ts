import type { Transfer } from '../../state/package-state.js';
import type { FailureKind } from '../../job/outcome.js';
import { figures } from '../figures.js';
import { REDIRECTED } from './table.js';
import type { Row, ToolTable } from './table.js';

/** Said at the end of a `mirror` that left nothing out, and of a `verify --delete`. */
const TO_THE_END = /New mirror serial: \d|\d unowned files/;

/** Why a run failed, by the words of Python, aiohttp and bandersnatch; the first that fits decides. */
const CAUSES: readonly (readonly [words: RegExp, kind: FailureKind, meaning: string])[] = [
  [/\[Errno (28|122)\]/, 'space', 'no space left'],
  [/\[Errno (1|5|13|17|20|21|30)\]/, 'io', 'local trouble'],
  [/Could not acquire lock/, 'unavailable', 'another bandersnatch works in dst'],
  [/CERTIFICATE_VERIFY_FAILED|ConnectorCertificateError/, 'auth', "upstream's certificate is not trusted"],
  [/mirror: refused to go to \S+/, 'unavailable', REDIRECTED],
  [/mirror: refused the name .{1,300}/, 'transfer', 'upstream names what is no plain path'],
  [
    /Client(Proxy)?Connect\w{0,40}Error|ClientOSError|ClientPayloadError|ServerDisconnectedError|Timeout(Error)?\b|ConnectionTimeout|Cannot connect/,
    'unavailable',
    'connection to upstream failed',
  ],
  [
    /\b(429|5\d\d), message=|XmlRpcError|StaleMetadata|exceptions\.ServerError/,
    'unavailable',
    'upstream has no time',
  ],
];

/** What only the question for the list of projects ends with; of one project the run goes on. */
const AT_THE_DOOR: typeof CAUSES = [
  [/\b(401|403|407), message=/, 'auth', 'refused by upstream'],
  [/\b(404|410), message=/, 'auth', 'upstream has no index there'],
  [/mimetype|JSONDecodeError|XMLSyntaxError/, 'transfer', "upstream's answer is no index"],
  [
    /Unable to load configuration|Config file '.{0,300}' missing|is not (supported|https scheme|allowed)|not a boolean|configparser\.|InvalidRequirement|re\.(error|PatternError)|ValueError: (invalid literal|could not convert)/,
    'config',
    'bandersnatch does not take this configuration',
  ],
];

/**
 * bandersnatch (6 to 8) ends with 0 although projects failed, and even when upstream did not answer its question for what
 * has changed: only the serial that it says last of all tells that nothing was left out.
 */
export const bandersnatch: ToolTable = {
  name: 'bandersnatch',
  never: CAUSES.slice(0, 1).flatMap(both),
  rows: [
    [[0], /ERROR: Call to \w+ @ \S+ timed out/, 'unavailable', 'upstream did not say what has changed'],
    [
      [0],
      /Trying to reach serial: 0\b/,
      'transfer',
      'upstream lists no projects with serial numbers, which bandersnatch goes by (devpi and Nexus have none)',
    ],
    [
      [0],
      /^(?![^]*Storing index page)(?=[^]*no longer exists on PyPI)[^]*Syncing all packages\./,
      'transfer',
      'upstream has none of the projects that it lists',
    ],
    // verify would call the files of such a project nobody's.
    [
      [0],
      /ERROR: Failed to load \S{1,1000}(?: metadata)?: .{0,1000} - skipping/,
      'io',
      'metadata of a project cannot be read',
    ],
    [[0], TO_THE_END, 'synced', ''],
    ...CAUSES.slice(1).flatMap(both),
    ...AT_THE_DOOR.map(([words, kind, meaning]): Row => [null, words, kind, meaning]),
    [[0], null, 'transfer', 'some projects were not mirrored'],
    [[2], null, 'config', 'bandersnatch does not take this configuration'],
    [[126, 127], null, 'config', 'bandersnatch cannot be run'],
  ],
  neverStarted: [],
  explains: [
    /^(?=.*: )[\w.]*(Error|Exception|StaleMetadata|ConnectionTimeout|Timeout)\b/,
    / ERROR: /,
    'last',
  ],
  transfer: parseFigures,
};

/** A cause counts whatever the exit is: rows of exit 0 come after the one for success. */
function both([words, kind, meaning]: (typeof CAUSES)[number]): Row[] {
  return [
    [[0], words, kind, meaning],
    [null, words, kind, meaning],
  ];
}

/** `mirror` names each file that it fetches, `verify` counts what there is. Null where the log's end is not all of it. */
function parseFigures(output: string): Transfer | null {
  const [, files] = /INFO: We have (\d+) files\. \d+ unowned files/.exec(output) ?? [];
  if (files !== undefined) return figures({ files: Number(files), deleted: 0 });
  if (!/INFO: Syncing with /.test(output)) return null;
  return figures({ transferred_files: output.match(/^\S+ \S+ INFO: Downloading: /gm)?.length ?? 0 });
}
