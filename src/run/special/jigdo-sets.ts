import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallFile } from '../../boundary/small-file.js';
import { isDirectoryThere, lstatIfThere } from '../../system/if-there.js';

/** One set of images of an architecture, such as `amd64` and `dvd`; paths are absolute. */
export interface JigdoSet {
  readonly arch: string;
  readonly name: string;
  readonly jigdoDirectory: string;
  readonly imageDirectory: string;
  readonly images: readonly JigdoImage[];
}

export interface JigdoImage {
  readonly path: string;
  /** The file that has what of the image is in no package. */
  readonly template: string;
  /** When the jigdo file that describes it was changed, epoch ms. */
  readonly described: number;
}

/** Why images cannot be made from what upstream has. */
export class JigdoTrouble extends Error {}

/** What a part of a path, or a file that upstream names, may be called. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+~-]*$/;

/** Bytes that a jigdo file may have, as it is and unpacked: a double-layer disc's has some millions. */
const LARGEST = { packed: 64 << 20, unpacked: 256 << 20 };

/**
 * Finds the sets below `dst` as mirror.py does: `current` names the version, and `project/build/VERSION/ARCH` the sets of an
 * architecture. Follows no link but `current`, which must name a directory beside it. Throws JigdoTrouble.
 */
export function jigdoSets(dst: string): JigdoSet[] {
  const version = currentVersion(dst);
  const directory = realDirectory(dst, version);
  const sets: JigdoSet[] = [];
  for (const arch of readdirSync(directory).sort()) {
    const path = join(directory, arch);
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) throw new JigdoTrouble(`${path} is a symbolic link`);
    if (!stat.isDirectory() || !NAME.test(arch)) continue;
    for (const name of listedSets(dst, version, arch)) sets.push(jigdoSet(path, arch, name));
  }
  if (sets.length === 0) throw new JigdoTrouble(`no set of images is listed in project/build/${version}`);
  return sets;
}

function currentVersion(dst: string): string {
  let target: string;
  try {
    target = readlinkSync(join(dst, 'current')).replace(/\/$/, '');
  } catch {
    throw new JigdoTrouble('`current`, which names the version of the images, is missing or no link');
  }
  if (!NAME.test(target))
    throw new JigdoTrouble(`\`current\` leads to ${target}, not to a directory beside it`);
  return target;
}

/** Tokens of `project/build/VERSION/ARCH`; none where there is no such file. */
function listedSets(dst: string, version: string, arch: string): string[] {
  let directory = dst;
  for (const part of ['project', 'build', version]) {
    const stat = lstatIfThere(join(directory, part));
    if (stat === null) return [];
    directory = realDirectory(directory, part);
  }
  const file = join(directory, arch);
  const stat = lstatIfThere(file);
  if (stat === null) return [];
  if (!stat.isFile() || stat.size > LARGEST.packed) throw new JigdoTrouble(`${file} is no plain file`);
  const names = [...new Set(readWhole(file).toString('utf8').split(/\s+/).filter(Boolean))];
  for (const name of names) checkName(name, file);
  return names;
}

function jigdoSet(architecture: string, arch: string, name: string): JigdoSet {
  const jigdoDirectory = realDirectory(architecture, `jigdo-${name}`);
  const imageDirectory = join(architecture, `iso-${name}`);
  if (lstatIfThere(imageDirectory)) realDirectory(architecture, `iso-${name}`);
  const images: JigdoImage[] = [];
  for (const file of readdirSync(jigdoDirectory).sort()) {
    const path = join(jigdoDirectory, file);
    const stat = lstatSync(path);
    // jigdo-mirror looks into directories and follows links.
    if (!stat.isFile()) throw new JigdoTrouble(`${path} is no plain file`);
    if (!file.endsWith('.jigdo')) continue;
    checkName(file, jigdoDirectory);
    for (const { image, template } of describedImages(path, stat.size)) {
      const target = join(imageDirectory, image);
      if (lstatIfThere(target)?.isFile() === false) throw new JigdoTrouble(`${target} is no plain file`);
      images.push({ path: target, template: join(jigdoDirectory, template), described: stat.mtimeMs });
    }
  }
  return { arch, name, jigdoDirectory, imageDirectory, images };
}

/**
 * Names of the images of a jigdo file and of their templates, read as jigdo-mirror's shell code reads it: quotes and `$` fall away, the first `=` is
 * a blank, a key counts in any section. What that code would understand in ways of its own (backslashes) is refused.
 */
function describedImages(path: string, size: number): { image: string; template: string }[] {
  const images: { image: string; template: string }[] = [];
  let [section, image, template] = ['', '', ''];
  const sectionEnds = (): void => {
    if (section === '[Image]' && image !== '' && template !== '') images.push({ image, template });
    [image, template] = ['', ''];
  };
  for (const line of jigdoText(path, size).split('\n')) {
    if (/[\\\u0000-\u0008\u000b-\u001f\u007f]/.test(line))
      throw new JigdoTrouble(`${path} has odd characters`);
    const words = sectionOf(line.trim()).replace('=', ' ').replace(/['"$]/g, '');
    const [key = '', value = ''] = words.split(/[ \t]+/).filter(Boolean);
    if (key.startsWith('[') && key.endsWith(']')) {
      sectionEnds();
      section = key;
    } else if (key === 'Filename' || key === 'Template') {
      checkName(value, path);
      if (key === 'Filename') image = value;
      else template = value;
    }
  }
  sectionEnds();
  return images;
}

/** A section's line without the blanks within its brackets, any other as it is. */
function sectionOf(line: string): string {
  if (!line.startsWith('[') || !line.endsWith(']')) return line;
  const words = line.slice(1, -1).split(' ').filter(Boolean);
  return words.length > 1 ? line : `[${words.join('')}]`;
}

/** Debian's are packed with gzip. */
function jigdoText(path: string, size: number): string {
  if (size > LARGEST.packed) throw new JigdoTrouble(`${path} is too large for a jigdo file`);
  const bytes = readWhole(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString('latin1');
  const { gunzipSync } = process.getBuiltinModule('node:zlib');
  try {
    return gunzipSync(bytes, { maxOutputLength: LARGEST.unpacked }).toString('latin1');
  } catch (error) {
    throw new JigdoTrouble(`${path} cannot be unpacked: ${(error as Error).message}`);
  }
}

/** Throws UnfitFile: what was a plain file a moment ago is one no more, or has grown. */
function readWhole(path: string): Buffer {
  return readSmallFile(path, { limitBytes: LARGEST.packed }) ?? Buffer.alloc(0);
}

/** `name` in `directory`, which must be a directory and no link to one. */
function realDirectory(directory: string, name: string): string {
  const path = join(directory, name);
  if (!isDirectoryThere(path)) throw new JigdoTrouble(`${path} is missing, or no directory`);
  return path;
}

function checkName(name: string, where: string): void {
  if (!NAME.test(name)) throw new JigdoTrouble(`${where} names \`${name}\`, which is no plain file name`);
}
