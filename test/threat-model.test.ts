import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const project = join(import.meta.dirname, '..');
const text = readFileSync(join(project, 'docs/threat-model.md'), 'utf8');

describe('the threat model', () => {
  it('names tests that exist', () => {
    const named = [...text.matchAll(/`(test\/[^`]*)`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(join(project, path)))).toEqual([]);
  });

  it('names a test for each promise', () => {
    const [, promises = ''] = /## Promises[^\n]*\n([^]*?)\n## /.exec(text) ?? [];
    const rows = promises
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (promise|-)/.test(line));
    expect(rows.filter((row) => !/\| +`test\/.*` +\|$/.test(row))).toEqual([]);
  });

  it('lists the codes of what validate --strict refuses', () => {
    const sources = ['environment', 'programs', 'secret-files', 'words'].map((name) =>
      readFileSync(join(project, `src/config/hazards/${name}.ts`), 'utf8'),
    );
    const codes = new Set(
      sources.flatMap((source) => [...source.matchAll(/code(?::| =) '([\w-]+)'/g)].map(([, code]) => code)),
    );
    expect(codes.size).toBeGreaterThan(4);
    for (const code of codes) expect(text).toContain(`| \`${String(code)}\``);
  });
});
