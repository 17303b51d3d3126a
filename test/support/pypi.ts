import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where `prepare.mjs` puts bandersnatch. */
export const BANDERSNATCH = join(import.meta.dirname, '../../build/bandersnatch');

/** An upstream's tree as pypid.py serves it, with real wheels. */
export interface PypiTree {
  readonly root: string;
  /** Adds a release of a project as a wheel; `bytes` more make it large. */
  release(name: string, version: string, bytes?: number): void;
  /** Removes a release, or a whole project, as upstream does. */
  remove(name: string, version?: string): void;
  faults(faults: {
    readonly status?: Readonly<Record<string, number>>;
    readonly hang?: string;
    readonly bodies?: string;
  }): void;
}

/** Makes an empty upstream below `root`. */
export function pypiTree(root: string): PypiTree {
  let serial = 100;
  const serials = new Map<string, number>();
  const save = (): void =>
    writeFileSync(join(root, 'serials.json'), JSON.stringify(Object.fromEntries(serials)));
  const changed = (name: string): void => {
    serial += 1;
    serials.set(name, serial);
    save();
  };
  mkdirSync(join(root, 'packages'), { recursive: true });
  save();
  return {
    root,
    release(name, version, bytes = 0) {
      const directory = join(root, 'packages', name, version);
      mkdirSync(directory, { recursive: true });
      makeWheel(join(directory, `${name}-${version}-py3-none-any.whl`), name, version, bytes);
      changed(name);
    },
    remove(name, version) {
      rmSync(join(root, 'packages', name, version ?? ''), { recursive: true });
      changed(name);
    },
    faults: (faults) => writeFileSync(join(root, 'faults.json'), JSON.stringify(faults)),
  };
}

/** A wheel (PEP 427) that pip takes: one module, which says its version. */
function makeWheel(path: string, name: string, version: string, bytes: number): void {
  const scratch = mkdtempSync(join(tmpdir(), 'mirror-wheel-'));
  const info = `${name}-${version}.dist-info`;
  const files: Record<string, string | Buffer> = {
    [`${name}/__init__.py`]: `version = "${version}"\n`,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: mirror\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    ...(bytes > 0 ? { [`${name}/data`]: Buffer.alloc(bytes) } : {}),
  };
  const names = Object.keys(files);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(scratch, file)), { recursive: true });
    writeFileSync(join(scratch, file), content);
  }
  const record = [...names, `${info}/RECORD`].map((file) => `${file},,\n`).join('');
  writeFileSync(join(scratch, info, 'RECORD'), record);
  // Stored, not deflated: its size is what it holds.
  const script = [
    'import sys, zipfile',
    'with zipfile.ZipFile(sys.argv[1], "w") as wheel:',
    '    for name in sys.argv[2:]: wheel.write(name)',
  ].join('\n');
  execFileSync('/usr/bin/python3', ['-c', script, path, ...names, `${info}/RECORD`], { cwd: scratch });
  rmSync(scratch, { recursive: true });
}
