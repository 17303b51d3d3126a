import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { countText, renderHuman } from '../../src/diagnostics/render.js';
import { readDirectory } from './read.js';

/** One folder a mistake: `config.json`, and exactly what is said about it. UPDATE_GOLDEN=1 writes that anew. */
const root = fileURLToPath(new URL('golden', import.meta.url));

describe('what is said about a config', () => {
  test.each(readdirSync(root).sort())('%s', (name) => {
    const { diagnostics, site } = readDirectory(`${root}/${name}`);
    const said = `${renderHuman(diagnostics, { color: false })}${countText(diagnostics)}\n`;
    const file = `${root}/${name}/expected.txt`;
    if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(file, said);
    expect(said).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '');
    expect(site === null).toBe(diagnostics.some(({ severity }) => severity === 'error'));
    expect(said).not.toMatch(/hunter|undefined|\[object/);
    for (const { place, span } of diagnostics)
      expect(place && span, 'every diagnostic has a place').toBeDefined();
  });
});
