import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

/**
 * The walls of src/README.md, held by the imports themselves: which folder may read which, and which code may neither
 * touch the system nor the clock.
 */
const SRC = join(import.meta.dirname, '../src');

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }));

/** Imported modules: `node:fs`, `ajv`, or a path below src such as `job/job.ts`. Types count too. */
function imports(file: string, text: string): string[] {
  const found = text.matchAll(/(?:from|import|require)\s*\(?\s*'([^']+)'/g);
  return [...found].map(([, name = '']) =>
    name.startsWith('.') ? relative(SRC, join(SRC, dirname(file), name)).replace(/\.js$/, '.ts') : name,
  );
}

const folder = (file: string): string => file.split('/')[0] ?? '';

/** No I/O, no clock, no chance: what they know comes in as arguments. */
const PURE = [
  /^(model|methods|schedulers|compile|plan|job)\//,
  /^state\/(reduce|status|import|package-state)\.ts$/,
  /^state\/outputs\//,
];

/** Folder → what it may import of src; a folder that is not listed may import anything but `commands`. */
const MAY_IMPORT: Record<string, RegExp> = {
  boundary: /^(boundary|job)\//,
  job: /^job\//,
  system: /^(system|job|boundary)\//,
  diagnostics: /^(diagnostics\/|job\/plain-text\.ts)/,
  // The schemas hold the defaults, and the generated types are their shape, a method's options too: one source for all.
  model: /^(model|job|diagnostics)\/|^config\/types\.generated\.ts$|^methods\/method\.ts$|\.\.\/schemas/,
  methods: /^(methods|model|job|diagnostics)\/|^config\/types\.generated\.ts$|\.\.\/schemas/,
  schedulers: /^(schedulers|compile\/artifact|model|job|diagnostics)|\.\.\/templates/,
  compile: /^(compile|schedulers|methods|model|job|diagnostics)\//,
  config: /^(config|methods|model|job|diagnostics|boundary)\/|\.\.\/schemas/,
  control: /^(control|run|state|job|boundary)\//,
  run: /^(run|state|job|boundary)\/|^system\/(atomic|flock|if-there|process)\.ts$/,
  state: /^(state|job|boundary)\/|^system\/(atomic|flock|if-there|process)\.ts$/,
};

/**
 * Files that name paths without the port: the port itself, the leaves that it hands a walked path, accounts in /etc, and the
 * process of apply's that has the mirror user's rights.
 */
const OWN_FILES =
  /^system\/(real|atomic|execute|flock|if-there|process|users)\.ts$|^apply\/state-half-main\.ts$/;

describe('imports', () => {
  test('every folder imports only what its wall allows', () => {
    const broken = files.flatMap(({ file, text }) => {
      const allowed = MAY_IMPORT[folder(file)];
      if (!allowed) return [];
      return imports(file, text)
        .filter((name) => /\.ts$|\.\.\//.test(name) && !allowed.test(name))
        .map((name) => `${file} imports ${name}`);
    });
    expect(broken).toEqual([]);
  });

  test('the executor and the control server use nothing but what Node brings', () => {
    const broken = files
      .filter(({ file }) => /^(run|state|job|control)\//.test(file) || file === 'main.ts')
      .flatMap(({ file, text }) =>
        imports(file, text)
          .filter((name) => !name.startsWith('node:') && !/\.ts$|(run|control)\.cjs$|cli\.mjs$/.test(name))
          .map((name) => `${file} imports ${name}`),
      );
    expect(broken).toEqual([]);
  });

  test('the executor begins with no other modules of Node: loading crypto or zlib costs each run milliseconds', () => {
    const broken = files
      .filter(({ file }) => /^(boundary|run|state|job)\//.test(file))
      .flatMap(({ file, text }) =>
        imports(file, whatLoadingNeeds(text))
          .filter((name) => /^node:(?!fs$|path$|child_process$)/.test(name))
          .map((name) => `${file} imports ${name}`),
      );
    expect(broken).toEqual([]);
  });

  test('what root does to a machine goes through its port, whose paths are walked by the boundary', () => {
    const broken = files
      .filter(({ file }) => /^(apply|plan|system)\//.test(file) && !OWN_FILES.test(file))
      .flatMap(({ file, text }) => imports(file, text).map((name) => ({ file, name })))
      .filter(({ name }) => /^node:(fs|child_process)/.test(name));
    expect(broken).toEqual([]);
  });

  test('only the boundary starts processes of other users, each in a session of its own', () => {
    const broken = files
      .filter(({ file, text }) => !file.startsWith('boundary/') && /\bsetpriv\b|commandAs/.test(code(text)))
      .map(({ file }) => file);
    expect(broken).toEqual([]);
    const started = files.filter(({ text }) => text.includes('commandAs(')).map(({ file }) => file);
    expect(started).toEqual(['boundary/spawn-as.ts']);
  });

  test('a command that reaches what the mirror user owns acts as that user', () => {
    const bare = files
      .filter(({ file, text }) => file.startsWith('commands/') && text.includes(': CommandModule<'))
      .filter(({ text }) => !text.includes('handler: asMirrorUser('))
      .filter(({ file }) => [...reachedFrom(file)].some(touchesState))
      .map(({ file }) => file.slice('commands/'.length, -'.ts'.length));
    expect(bare.sort()).toEqual(Object.keys(HAND_OVER_THEMSELVES).sort());
  });

  test('only cli.ts and commands know commands', () => {
    const broken = files
      .filter(({ file }) => !['commands', 'cli.ts'].includes(folder(file)))
      .flatMap(({ file, text }) =>
        imports(file, text)
          .filter((name) => name.startsWith('commands/'))
          .map(() => file),
      );
    expect(broken).toEqual([]);
  });

  test('pure code has no I/O, no clock and no chance', () => {
    const forbidden = /'node:(?!path)|\bprocess\.|Date\.now|new Date\(\)|Math\.random|\bfetch\(/;
    const broken = files
      .filter(({ file }) => PURE.some((pattern) => pattern.test(file)))
      .filter(({ text }) => forbidden.test(code(text)))
      .map(({ file }) => file);
    expect(broken).toEqual([]);
  });

  test('no module imports itself through others', () => {
    const graph = new Map(files.map(({ file, text }) => [file, imports(file, whatLoadingNeeds(text))]));
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (state.get(file) === 'open') cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (state.has(file)) return;
      state.set(file, 'open');
      for (const next of graph.get(file) ?? []) if (graph.has(next)) visit(next, [...path, file]);
      state.set(file, 'done');
    };
    for (const { file } of files) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

test('no source file is longer than 300 lines', () => {
  const long = files
    .filter(({ file }) => !file.includes('.generated.'))
    .filter(({ text }) => text.split('\n').length > 301)
    .map(({ file }) => file);
  expect(long).toEqual([]);
});

/** Commands that need root for a part of their work, and how the rest of it gets the mirror user's rights. */
const HAND_OVER_THEMSELVES = {
  apply: 'its state half is a process of its own (apply/state-half.ts), except below --root',
  setup: 'as apply',
  run: 'hands itself over to the package’s user (run/main.ts)',
  publish: 'hands itself over to the site’s user (run/publish.ts)',
  control: 'its unit runs as the mirror user, and root’s half reads what root owns (control/starter.ts)',
  daemon: 'sends processes of each user for it (daemon/errands.ts)',
};

/** A module without its comments. */
function code(text: string): string {
  return text.replaceAll(/^\s*(\*|\/\/|\/\*).*$/gm, '');
}

/** Whether a module names files of the state, logs or dst, or signals processes that they name. */
function touchesState(file: string): boolean {
  const text = files.find((each) => each.file === file)?.text ?? '';
  return /^(state|run)\//.test(file) && /'node:fs'|process\.kill/.test(text);
}

/** Every module that a module can load, now or later. */
function reachedFrom(first: string): Set<string> {
  const reached = new Set([first]);
  for (const file of reached) {
    const text = files.find((each) => each.file === file)?.text ?? '';
    for (const name of imports(file, text.replaceAll(/import type [^;]*;/g, '')))
      if (name.endsWith('.ts')) reached.add(name);
  }
  return reached;
}

/** Without types, and without what is loaded later: `run/special` is reached so, and uses what the rest uses. */
function whatLoadingNeeds(text: string): string {
  return text.replaceAll(/import type [^;]*;/g, '').replaceAll(/\bimport\('[^']*'\)/g, '');
}
