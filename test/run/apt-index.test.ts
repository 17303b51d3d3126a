import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { visitIndex } from '../../src/run/special/proof/apt-index.js';
import { parseRelease, plainPath } from '../../src/run/special/proof/apt-release.js';
import { clearText } from '../../src/run/special/proof/clear-text.js';
import { onPath } from '../support/tools.js';

let scratch = '';

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'mirror-index-'));
});

afterEach(() => rmSync(scratch, { recursive: true }));

async function filesOf(file: string): Promise<[string, object][]> {
  const found: [string, object][] = [];
  await visitIndex(openSync(file, 'r'), file, (path, expected, plain) =>
    found.push([path, { ...expected, ...(plain ? {} : { plain }) }]),
  );
  return found;
}

describe('a Release file', () => {
  test('names its files by their strongest digest, and a clear-signed text is the one that was signed', () => {
    const text =
      'Suite: sid\nMD5Sum:\n 1 2 x\nSHA256:\n ab 12 main/Packages\n cd 0 main/b\nSHA512:\n ef 12 main/Packages\nEnd: 1\n - x\n';
    const signed = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${text}-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n`;
    expect(clearText(signed)).toBe(text);
    expect([...(parseRelease(text)?.files ?? [])]).toEqual([
      ['main/Packages', { size: 12, algorithm: 'sha512', digest: 'ef' }],
      ['main/b', { size: 0, algorithm: 'sha256', digest: 'cd' }],
    ]);
  });

  test('with no digest but MD5 and SHA-1 is not one that a client accepts', () => {
    expect(parseRelease('MD5Sum:\n 1 2 x\nSHA1:\n 1 2 x\n')).toBeNull();
    expect(parseRelease('SHA512:\n 1 2 x\n')?.files.size).toBe(1);
  });

  test('says whether clients ask for the index of all, and when it ends', () => {
    const release = (text: string): ReturnType<typeof parseRelease> =>
      parseRelease(`SHA256:\n 1 2 x\n${text}`);
    expect(release('Architectures: amd64 all\n')).toMatchObject({ hasIndexOfAll: true, byHash: null });
    expect(
      release('Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\nAcquire-By-Hash: yes\n'),
    ).toMatchObject({ hasIndexOfAll: false, byHash: 'SHA256' });
    expect(release('Valid-Until: Mon, 30 Nov 2026 20:00:00 UTC\n')).toMatchObject({
      validUntil: Date.UTC(2026, 10, 30, 20),
    });
  });
});

describe('an index of packages', () => {
  test('of source packages names every file of each, with its digest', async () => {
    const file = join(scratch, 'Sources');
    const sums = (digest: string): string => ` ${digest} 7 a.dsc\n ${digest} 9 a.tar.xz\n`;
    writeFileSync(
      file,
      `Package: a\nFiles:\n${sums('md5')}Checksums-Sha256:\n${sums('sha')}Directory: pool//a\n\n`,
    );
    expect(await filesOf(file)).toEqual([
      ['pool/a/a.dsc', { size: 7, algorithm: 'sha256', digest: 'sha' }],
      ['pool/a/a.tar.xz', { size: 9, algorithm: 'sha256', digest: 'sha' }],
    ]);
  });

  test.each(['gzip', 'xz', 'bzip2', 'zstd'].filter(onPath))(
    'is read in the compression of %s',
    async (tool) => {
      const plain = join(scratch, 'Packages');
      const stanzas = Array.from(
        { length: 5000 },
        (_, i) =>
          `Package: p${String(i)}\nFilename: ./pool/p${String(i)}.deb\nSize: ${String(i)}\nSHA256: AB\nDescription: ä\n Filename: no\n`,
      );
      writeFileSync(plain, stanzas.join('\n'));
      const suffix = { gzip: '.gz', xz: '.xz', bzip2: '.bz2', zstd: '.zst' }[tool] ?? '';
      execFileSync(tool, ['-k', plain]);
      const found = await filesOf(plain + suffix);
      expect(found).toHaveLength(5000);
      expect(found[4999]).toEqual(['pool/p4999.deb', { size: 4999, algorithm: 'sha256', digest: 'ab' }]);
    },
  );

  test('that is cut off is an error', async () => {
    const plain = join(scratch, 'Packages');
    writeFileSync(plain, 'Filename: a\n\n'.repeat(100_000));
    execFileSync('xz', ['-k', plain]);
    execFileSync('truncate', ['--size=-30', `${plain}.xz`]);
    await expect(filesOf(`${plain}.xz`)).rejects.toThrow('cannot unpack');
  });
});

test.each([
  ['pool/a.deb', 'pool/a.deb'],
  ['./pool//a.deb', 'pool/a.deb'],
  ['/pool/a.deb', 'pool/a.deb'],
  ['pool/b/../a.deb', 'pool/a.deb'],
  ['pool/..a/.b', 'pool/..a/.b'],
  ['../a.deb', null],
  ['pool/../../a.deb', null],
  ['', null],
  ['./', null],
])('%j is %j in a repository', (path, plain) => {
  expect(plainPath(path)).toBe(plain);
});
