import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A signing key of a test: made by gpg, in a home of its own. */
export interface SigningKey {
  /** Public key, binary, as gpgv wants it. */
  readonly keyring: string;
  /** The same, armored. */
  readonly armored: string;
  readonly home: string;
  /** Runs gpg with this key's home. */
  gpg(...args: readonly string[]): void;
  /** Ends gpg's agent and removes the home. */
  remove(): void;
}

export function makeSigningKey(name = 'Archive'): SigningKey {
  const home = mkdtempSync(join(tmpdir(), 'mirror-gpg-'));
  const env = { ...process.env, GNUPGHOME: home };
  const gpg = (...args: readonly string[]): void => {
    execFileSync(
      'gpg',
      ['--batch', '--yes', '--quiet', '--pinentry-mode=loopback', '--passphrase=', ...args],
      {
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
  };
  gpg('--quick-generate-key', `${name} <archive@example.org>`, 'rsa2048', 'sign', 'never');
  const keyring = join(home, 'public.gpg');
  const armored = join(home, 'public.asc');
  gpg('--output', keyring, '--export');
  gpg('--armor', '--output', armored, '--export');
  return {
    home,
    keyring,
    armored,
    gpg,
    remove() {
      execFileSync('gpgconf', ['--kill', 'gpg-agent'], { env, stdio: 'ignore' });
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** An apt repository `stable main` for amd64, made by dpkg-deb and apt-ftparchive, signed by gpg. */
export interface AptRepo {
  readonly path: string;
  /** Adds a package of that version with `size` bytes in it; its path in the repository. Nothing is published. */
  add(name: string, version: string, size?: number): string;
  remove(name: string): void;
  /** Writes and signs the indexes of what is there now. */
  publish(key: SigningKey, wishes?: PublishWishes): void;
}

/** How an index differs from the usual one. */
export interface PublishWishes {
  /** The text of Packages. */
  readonly packages?: (text: string) => string;
  /** Writes further files of the index, below the directory of the distribution, before Release is made. */
  readonly more?: (dists: string) => void;
  /** The text of Release. */
  readonly release?: (text: string) => string;
  /** Compressions of Packages; default gzip and xz. */
  readonly tools?: readonly string[];
  /** Files beside Release, or it, that are removed in the end. */
  readonly without?: readonly string[];
}

/** Files of the repository other than its pool, named and checked as apt-ftparchive does. */
export function makeAptRepo(path: string, suite = 'stable'): AptRepo {
  const dists = join(path, 'dists', suite);
  const packages = join(dists, 'main/binary-amd64');
  mkdirSync(packages, { recursive: true });
  const poolOf = (name: string): string => `pool/main/${name.charAt(0)}/${name}`;
  let published = 0;
  return {
    path,
    add(name, version, size = 2000) {
      const file = `${poolOf(name)}/${name}_${version}_amd64.deb`;
      const build = mkdtempSync(join(tmpdir(), 'mirror-deb-'));
      mkdirSync(join(build, 'DEBIAN'));
      const fields = {
        Package: name,
        Version: version,
        Architecture: 'amd64',
        Maintainer: 'T <t@example.org>',
      };
      const control = Object.entries({ ...fields, Section: 'misc', Priority: 'optional', Description: name });
      writeFileSync(
        join(build, 'DEBIAN/control'),
        control.map(([key, value]) => `${key}: ${value}\n`).join(''),
      );
      writeFileSync(join(build, 'data'), noise(`${name} ${version}`, size));
      mkdirSync(join(path, poolOf(name)), { recursive: true });
      execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', build, join(path, file)], {
        stdio: 'ignore',
      });
      rmSync(build, { recursive: true });
      return file;
    },
    remove: (name) => rmSync(join(path, poolOf(name)), { recursive: true, force: true }),
    publish(key, { packages: edit = String, more, release: editRelease = String, tools, without = [] } = {}) {
      const run = (...args: string[]): Buffer => execFileSync('apt-ftparchive', args, { cwd: path });
      for (const name of readdirSync(packages)) rmSync(join(packages, name));
      writeFileSync(join(packages, 'Packages'), edit(run('packages', 'pool').toString()));
      for (const tool of tools ?? ['gzip', 'xz']) execFileSync(tool, ['-qkf', join(packages, 'Packages')]);
      more?.(dists);
      for (const name of readdirSync(dists).filter((file) => /^(In)?Release/.test(file)))
        rmSync(join(dists, name));
      const set = (field: string, value: string): string => `-oAPT::FTPArchive::Release::${field}=${value}`;
      const commands = '-oAPT::FTPArchive::Release::Patterns::=Commands-*';
      const fields = [commands, set('Suite', suite), set('Codename', suite), set('Components', 'main')];
      const release = run(...fields, set('Architectures', 'amd64'), 'release', `dists/${suite}`);
      writeFileSync(join(dists, 'Release'), editRelease(release.toString()));
      // Named in Release, as in Debian's, but not there.
      const files = filesBelow(dists);
      for (const file of files)
        if (file.endsWith('.xz')) rmSync(join(dists, file.slice(0, -3)), { force: true });
      rmSync(join(packages, 'Packages'), { force: true });
      key.gpg('--clearsign', '--output', join(dists, 'InRelease'), join(dists, 'Release'));
      key.gpg('--armor', '--detach-sign', '--output', join(dists, 'Release.gpg'), join(dists, 'Release'));
      for (const name of without) rmSync(join(dists, name));
      // As an archive's, never two within a second: tools that look at size and second could not tell them apart.
      published = Math.max(Math.floor(Date.now() / 1000), published + 1);
      for (const file of filesBelow(dists)) utimesSync(join(dists, file), published, published);
    },
  };
}

/** Bytes that do not compress, the same for the same seed. */
export function noise(seed: string, size: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    createHash('sha256')
      .update(`${seed} ${String(i)}`)
      .digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

/** Files below a directory, relative, sorted; `bytes` tells those of the same name apart. */
export function filesBelow(directory: string, bytes = false): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => file.slice(directory.length + 1) + (bytes ? ` ${String(statSync(file).size)}` : ''))
    .sort();
}
