import { redirectRule } from '../methods/redirects.js';
import type { Package, Settings } from '../model/site.js';
import { addressRule } from '../schedulers/systemd/addresses.js';

/** What an upstream can make a run reach: lines for people, each a rule and where it comes from. */
export function networkLines(
  pkg: Package,
  { scheduler }: Settings,
  nameServers: readonly string[],
): readonly string[] {
  return [...redirectRule(pkg), ...addressWords(pkg, scheduler, nameServers)];
}

function addressWords(
  pkg: Package,
  scheduler: Settings['scheduler'],
  nameServers: readonly string[],
): string[] {
  if (scheduler !== 'systemd') return [`any address: ${scheduler} cannot deny one`];
  if (pkg.sandbox === 'off') return ['any address: `sandbox` is `off`'];
  const { denied, allowed, opened } = addressRule(pkg, nameServers);
  const but =
    allowed.length > 0 ? `, but for ${allowed.join(', ')} (name servers and \`network.allow\`)` : '';
  return [
    `no ${denied.map(({ name }) => name).join(', ')} addresses${but}`,
    ...opened.map(({ group, host }) => `${group} addresses, because ${host} is a host of the package`),
  ];
}
