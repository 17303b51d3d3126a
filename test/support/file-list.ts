import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What a list is to be like, where it is not what upstream's generator would write. */
export interface ListWish {
  /** Names at the top that are not listed. */
  readonly skip?: readonly string[];
  /** Files whose digests are listed, by their name. */
  readonly checksums?: readonly string[];
  readonly version?: string;
  /** Changes the text as a broken generator or transfer would. */
  readonly spoil?: (text: string) => string;
}

/**
 * Writes the list of a directory as quick-fedora-mirror's create-filelist does (version 3): a directory after what is in it,
 * in the order of the directory, the newer of mtime and ctime, `-` for what others cannot read and `*` for what is below it.
 */
export function writeFileList(directory: string, file: string, wish: ListWish = {}): void {
  const {
    skip = [],
    checksums = ['repomd.xml'],
    version = '3',
    spoil = (text: string): string => text,
  } = wish;
  const [files, digests]: [string[], string[]] = [[], []];
  const walk = (below: string, closed: boolean): void => {
    for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (path === file || (below === '' && skip.includes(entry.name))) continue;
      const stat = lstatSync(join(directory, path));
      const unreadable = !entry.isSymbolicLink() && (stat.mode & 0o004) === 0;
      if (entry.isDirectory()) walk(path, closed || unreadable);
      const type = entry.isSymbolicLink() ? 'l' : entry.isDirectory() ? 'd' : 'f';
      const time = Math.floor(Math.max(stat.mtimeMs, stat.ctimeMs) / 1000);
      const mark = unreadable ? '-' : closed ? '*' : '';
      files.push(`${String(time)}\t${type}${mark}\t${String(stat.size)}\t${path}\n`);
      if (checksums.includes(basename(path))) {
        const digest = createHash('sha1').update(readFileSync(join(directory, path)));
        digests.push(`${digest.digest('hex')}\t${path}\n`);
      }
    }
  };
  walk('', false);
  const sections = [`[Version]\n${version}\n`, `[Files]\n${files.join('')}`];
  sections.push(`[Checksums SHA1]\n${digests.join('')}`, '[End]\n');
  writeFileSync(join(directory, file), spoil(sections.join('\n')));
}
