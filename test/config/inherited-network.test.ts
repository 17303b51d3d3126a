import { expect, test } from 'vitest';
import { readFiles, rsyncPackage, siteWith } from './read.js';

test('a proxy and CA file for all reach the packages that can use them, and only those', () => {
  const web = {
    synctype: 'command',
    syncrate: 'P1D',
    settings: { dst: '/srv/ftp/web', options: { command: ['/usr/bin/true'] } },
  };
  const network = { proxy: 'http://proxy:3128', ca_file: '/etc/ca.pem', family: 'ipv4' };
  const { site, diagnostics } = readFiles({
    'config.json': siteWith({ ...rsyncPackage('debian'), web }, { network }),
  });
  expect(diagnostics.map(({ severity, place }) => [severity, place?.pointer])).toEqual([
    ['warning', '/settings/network/proxy'],
    ['warning', '/settings/network/ca_file'],
    ['warning', '/settings/network/family'],
  ]);
  const networks = Object.fromEntries(site?.packages.map((pkg) => [pkg.id, pkg.network]) ?? []);
  expect(networks).toMatchObject({
    debian: { proxy: null, caFile: null, family: 'ipv4' },
    web: { proxy: 'http://proxy:3128', caFile: '/etc/ca.pem', family: 'any' },
  });
});
