import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noise } from './apt-repo.js';
import type { SigningKey } from './apt-repo.js';

/** An rpm repository made by rpmbuild, rpmsign and createrepo_c. */
export interface RpmRepo {
  readonly path: string;
  /** Adds a package of that version with `size` bytes in it, signed unless `key` is null; its path. Nothing is published. */
  add(name: string, version: string, changes?: RpmChanges): string;
  remove(name: string): void;
  /** Writes the index of what is there now; with a key it is signed, too. */
  publish(key?: SigningKey): void;
}

export interface RpmChanges {
  readonly size?: number;
  readonly arch?: string;
  readonly key?: SigningKey | null;
}

export function makeRpmRepo(path: string, signer: SigningKey): RpmRepo {
  mkdirSync(join(path, 'Packages'), { recursive: true });
  return {
    path,
    add(name, version, { size = 2000, arch = 'noarch', key = signer } = {}) {
      const build = mkdtempSync(join(tmpdir(), 'mirror-rpm-'));
      const fields = { Name: name, Version: version, Release: '1', Summary: name, License: 'MIT' };
      const head = Object.entries(fields).map(([field, value]) => `${field}: ${value}\n`);
      const body = `%description\n${name}\n%prep\ntrue\n%install\ninstall -D ${build}/data %{buildroot}/data\n%files\n/data\n`;
      writeFileSync(join(build, 'data'), noise(`${name} ${version}`, size));
      writeFileSync(
        join(build, 'a.spec'),
        head.join('') + (arch === 'noarch' ? 'BuildArch: noarch\n' : '') + body,
      );
      const define = (macro: string, value: string): string[] => ['--define', `${macro} ${value}`];
      const place = [
        ...define('_topdir', build),
        ...define('_rpmdir', build),
        ...define('_dbpath', join(build, 'db')),
      ];
      const plain = [...define('_build_name_fmt', 'out.rpm'), ...define('_binary_payload', 'w0.gzdio')];
      const target = arch === 'noarch' ? [] : ['--target', arch];
      execFileSync('rpmbuild', ['-bb', '--quiet', ...target, ...place, ...plain, join(build, 'a.spec')], {
        stdio: 'ignore',
      });
      const file = `Packages/${name}-${version}-1.${arch}.rpm`;
      if (key !== null) {
        const gpg = [...define('_gpg_name', 'archive@example.org'), ...define('_gpg_path', key.home)];
        execFileSync(
          'rpmsign',
          ['--addsign', ...gpg, ...define('__gpg', '/usr/bin/gpg'), join(build, 'out.rpm')],
          {
            env: { ...process.env, GNUPGHOME: key.home },
            stdio: 'ignore',
          },
        );
      }
      execFileSync('cp', [join(build, 'out.rpm'), join(path, file)]);
      rmSync(build, { recursive: true });
      return file;
    },
    remove(name) {
      const ours = readdirSync(join(path, 'Packages')).filter((file) => file.startsWith(`${name}-`));
      for (const file of ours) rmSync(join(path, 'Packages', file));
    },
    publish(key) {
      execFileSync('createrepo_c', ['--quiet', '--no-database', path], { stdio: 'ignore' });
      const index = join(path, 'repodata/repomd.xml');
      if (key) key.gpg('--armor', '--detach-sign', '--output', `${index}.asc`, index);
    },
  };
}
