import { describe, expect, test } from 'vitest';
import { endpoint } from '../../src/methods/rsync-connection.js';
import { protocol } from '../../src/methods/git-remote.js';
import { rsync } from '../../src/methods/rsync.js';
import { parseSource, sourceForm } from '../../src/model/source.js';
import { context, pkg, source } from '../compile/site.js';

/** One parser says what a `src` is, for every method: text, its form, how rsync and git reach it, and its host. */
describe('forms of a source', () => {
  test.each([
    ['[::1]:/srv/x', 'ssh', 'ssh', 'ssh', '::1'],
    ['me@[2001:db8::1]:x.git', 'ssh', 'ssh', 'ssh', '2001:db8::1'],
    ['git@[fe80::1%eth0]:x.git', 'ssh', 'ssh', 'ssh', 'fe80::1%eth0'],
    ['me@[::1]::module', 'module', 'daemon', null, '::1'],
    ['[::1]::module/x', 'module', 'daemon', null, '::1'],
    ['127.0.0.1::', 'no-module', null, null, '127.0.0.1'],
    ['[::1]::', 'no-module', null, null, '::1'],
    ['host:', null, null, null, 'host'],
    ['host:x', 'ssh', 'ssh', 'ssh', 'host'],
    ['host::mod', 'module', 'daemon', null, 'host'],
    ['rsync://[::1]:8873/mod', 'url', 'daemon', null, '::1'],
    ['ssh://git@[::1]:2222/x.git', 'url', null, 'ssh', '::1'],
    ['/srv/a:b', 'path', 'path', 'file', null],
    ['ext::sh -c id', 'module', 'daemon', null, 'ext'],
    ['relative/a', null, null, null, null],
  ])('%s is %s', (text, form, rsyncReaches, gitReaches, host) => {
    expect(sourceForm(text)).toBe(form);
    expect(endpoint(text)).toBe(rsyncReaches);
    expect(protocol(text)).toBe(gitReaches);
    expect(parseSource(text).source.host).toBe(host);
  });

  test('rsync goes to an IPv6 address over ssh, without what only a daemon takes', () => {
    const src = source('[::1]:/srv/x');
    const steps = rsync.steps(pkg('x', { sources: [src], options: { src: 'x' } }), context(src));
    const words = JSON.stringify(steps);
    expect(words).toContain('--rsh=ssh');
    expect(words).not.toContain('--contimeout');
  });

  test('a daemon without a module is refused as such', () => {
    const found = rsync.check(pkg('x', { sources: [source('127.0.0.1::')] }));
    expect(found.map(({ code }) => code)).toContain('source-module');
  });
});
