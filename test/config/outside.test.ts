import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rsyncPackage, siteWith } from './read.js';

const program = fileURLToPath(new URL('../../dist/mirror.cjs', import.meta.url));

/** What a runner's home may hold, in one line as docker writes it: no key of it looks like a password's. */
const SECRET = 'dXNlcjpodW50ZXIy';
const CREDENTIALS = `{"auths":{"ghcr.io":{"auth":"${SECRET}"}},"_auth":"npmtoken123","aws_key":"AKIA1234"}`;

let top: string;
let home: string;
let checkout: string;
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'mirror-outside-')));
  home = join(top, 'home');
  checkout = join(top, 'checkout');
  write('home/config.json', CREDENTIALS);
  write('home/packages.json', JSON.stringify(rsyncPackage('elsewhere')));
  write('home/lonely', `root:${SECRET}:19000\n`);
  mkdirSync(join(checkout, '.git'), { recursive: true });
});
afterEach(() => rmSync(top, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), text);
}

function link(target: string, path: string): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  symlinkSync(target, join(top, path));
}

function include(...patterns: string[]): void {
  write('checkout/config.json', siteWith(rsyncPackage('debian'), {}, { include: patterns }));
}

function mirror(...args: string[]): { status: number | null; said: string } {
  const options = { cwd: checkout, encoding: 'utf8', env: { PATH: process.env.PATH } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], options);
  return { status, said: stdout + stderr };
}

/** Every command that reads a config, in each of its views. */
const READERS: readonly string[][] = [
  ['validate'],
  ['validate', '--json'],
  ['validate', '--github'],
  ['plan'],
  ['plan', '--json'],
  ['diff'],
  ['apply'],
  ['compile', '--out', 'compiled'],
  ['explain', 'debian'],
  ['crontab', '-u', 'mirror'],
  ['setup', '--root', 'root'],
];

describe('a config that reaches for files of others', () => {
  it.each([
    ['an absolute path', () => include(`${home}/config.json`)],
    ['a relative path', () => include('../home/config.json')],
    ['a pattern', () => include('../home/*')],
    ['a pattern with wildcards before the name', () => include('../*/config.json')],
    [
      'a linked file',
      () => {
        link('../../home/config.json', 'checkout/p/a.json');
        include('p/*.json');
      },
    ],
    [
      'a linked directory',
      () => {
        link('../home', 'checkout/p');
        include('p/*');
      },
    ],
    [
      'a link behind a wildcard',
      () => {
        link('../../home', 'checkout/p/a');
        include('p/*/config.json');
      },
    ],
    ['a file that is no JSON', () => include('../home/lonely')],
  ])('shows nothing of them: %s', (_, prepare) => {
    prepare();
    const { status, said } = mirror('validate', '-c', 'config.json');
    expect(status).toBe(78);
    expect(said).not.toMatch(/dXNl|npmtoken|AKIA|ghcr|root:/);
    expect(said).toContain('include-outside');
  });

  it.each(READERS.map((command) => [command] as const))(
    'shows nothing of them in any command: %j',
    (command) => {
      include(`${home}/config.json`);
      const { status, said } = mirror(...command, '-c', 'config.json');
      expect(said).not.toMatch(/dXNl|npmtoken|AKIA|ghcr/);
      expect(status).toBe(command[0] === 'setup' ? 77 : 78);
      if (command[0] !== 'setup') expect(said).toContain('include-outside');
    },
  );

  it('names the pattern, its place and the way out', () => {
    include('../home/*.json');
    expect(mirror('validate', '-c', 'config.json').said).toBe(
      `error[include-outside]: \`../home/*.json\` leads out of the config's directory
  ${checkout}/config.json:5:5
  5 |     "../home/*.json"
    |     ^^^^^^^^^^^^^^^^
  help: keep the files below ${checkout}, or allow their directory: \`--allow-outside DIR\`

${checkout}/config.json is not valid: 1 error, 0 warnings
`,
    );
  });

  it('does not tell whether a file is there', () => {
    include('../home/config.json', '../home/none.json');
    const { said } = mirror('validate', '-c', 'config.json');
    expect(said.match(/include-outside/g)).toHaveLength(2);
    expect(said).not.toContain('include-empty');
  });

  it('names a link beside the config, but no file of a directory elsewhere', () => {
    link('../../home/config.json', 'checkout/p/a.json');
    include('p/*.json');
    expect(mirror('validate', '-c', 'config.json').said).toContain(`by the link ${checkout}/p/a.json`);
    link('../../../home', 'checkout/p/x/y');
    include('p/*/*/lonely');
    expect(mirror('validate', '-c', 'config.json').said).not.toContain('by the link');
  });

  it.each([
    ['a link in the place of the config', () => link('../home/config.json', 'checkout/config.json')],
    ['a config of a linked directory', () => link('../home', 'checkout/site')],
  ])('shows nothing of them: %s', (_, prepare) => {
    prepare();
    const path = _.includes('directory') ? 'site/config.json' : 'config.json';
    const { status, said } = mirror('plan', '-c', path);
    expect(said).not.toMatch(/dXNl|npmtoken|AKIA|ghcr/);
    expect(status).toBe(78);
    // From elsewhere, the checkout around it still says where it belongs.
    const absolute = join(checkout, path);
    const { stdout } = spawnSync(process.execPath, [program, 'validate', '-c', absolute], {
      cwd: '/',
      encoding: 'utf8',
    });
    expect(stdout).toContain('error[config-outside]');
  });
});

describe('a config in several places', () => {
  it('is read with what the operator allows on the command line', () => {
    include('../home/packages.json');
    const { status, said } = mirror('validate', '-c', 'config.json', '--allow-outside', '../home');
    expect([status, said]).toEqual([0, expect.stringContaining('0 errors, 0 warnings, 2 packages')]);
    const both = ['--allow-outside', '/nowhere', '--allow-outside', home] as const;
    expect(mirror('explain', '-c', 'config.json', ...both, 'elsewhere').status).toBe(0);
    expect(mirror('compile', '-c', 'config.json', ...both, '--out', 'out').status).toBe(0);
    expect(mirror('validate', '-c', 'config.json', '--allow-outside', '/nowhere').status).toBe(78);
  });

  it('is read through a link that the operator allows, and has its packages there', () => {
    write('real/config.json', siteWith({}, {}, { include: ['packages.d/*.json'] }));
    write('real/packages.d/debian.json', JSON.stringify(rsyncPackage('debian')));
    link('../real/config.json', 'checkout/config.json');
    link('../real/packages.d', 'checkout/packages.d');
    expect(mirror('validate', '-c', 'config.json').status).toBe(78);
    expect(mirror('validate', '-c', 'config.json', '--allow-outside', '../real').status).toBe(0);
    expect(mirror('validate', '-c', '../real/config.json').status).toBe(0);
  });

  it('is read at its default place when that is a link into a checkout', () => {
    write('real/config.json', siteWith({}, {}, { include: ['packages.d/*.json'] }));
    write('real/packages.d/debian.json', JSON.stringify(rsyncPackage('debian')));
    link(join(top, 'real/config.json'), 'root/etc/mirror/config.json');
    link(join(top, 'real/packages.d'), 'root/etc/mirror/packages.d');
    expect(mirror('validate', '--root', join(top, 'root'))).toMatchObject({ status: 0 });
  });

  it('is read below a directory that is itself a link, and by links that stay inside', () => {
    write('releases/1/config.json', siteWith({}, {}, { include: ['packages.d/*.json'] }));
    write('releases/1/shared/debian.json', JSON.stringify(rsyncPackage('debian')));
    link('../shared/debian.json', 'releases/1/packages.d/debian.json');
    link('releases/1', 'current');
    const { status } = mirror('validate', '-c', join(top, 'current/config.json'));
    expect(status).toBe(0);
  });
});

describe('a revision of a config in git', () => {
  const git = (...args: string[]): void => {
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
    execFileSync('git', ['-C', checkout, ...identity, ...args], { stdio: 'ignore' });
  };

  it('reaches no file outside of the config either', () => {
    rmSync(join(checkout, '.git'), { recursive: true });
    write('checkout/other/secret.json', CREDENTIALS);
    link('../../other/secret.json', 'checkout/site/packages.d/a.json');
    link('../../home/config.json', 'checkout/site/linked.json');
    write('checkout/site/by-link.json', siteWith({}, {}, { include: ['packages.d/*.json'] }));
    write('checkout/site/by-path.json', siteWith({}, {}, { include: ['../other/*.json'] }));
    write('checkout/site/good.json', siteWith(rsyncPackage('debian')));
    git('init', '-q');
    git('add', '.');
    git('commit', '-q', '-m', 'all');
    for (const name of ['by-link', 'by-path', 'linked']) {
      const { status, said } = mirror('diff', '--git', 'HEAD..HEAD', '-c', `site/${name}.json`);
      expect([name, status]).toEqual([name, 78]);
      expect(said).not.toMatch(/dXNl|npmtoken|AKIA/);
    }
    expect(mirror('diff', '--git', 'HEAD..HEAD', '-c', 'site/good.json').status).toBe(0);
  });
});
