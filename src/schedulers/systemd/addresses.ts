import type { Package } from '../../model/site.js';
import { parseSource } from '../../model/source.js';
import { otherPrefixes } from './prefixes.js';

/** A group of addresses that units deny. */
interface Group {
  readonly name: 'loopback' | 'link-local' | 'multicast' | 'private';
  /** Its prefixes, or systemd.resource-control(5)'s name for them. */
  readonly words: string;
  /** Its IPv4 prefixes. */
  readonly old: readonly string[];
  /** Those of its IPv6 prefixes that a list of all other addresses must name to leave them open. */
  readonly wide: readonly string[];
  /** The addresses of it, and names that mean one of them on every machine. */
  readonly hosts: RegExp;
}

const LOOPBACK: Group = {
  name: 'loopback',
  words: 'localhost',
  old: ['127.0.0.0/8'],
  wide: ['::1'],
  hosts: /^127(\.\d+){3}$|^(0{0,4}:){2,7}0{0,3}1$|^(.+\.)?localhost$|^ip6-(localhost|loopback)$/,
};

const LINK_LOCAL: Group = {
  name: 'link-local',
  words: 'link-local',
  old: ['169.254.0.0/16'],
  wide: ['fe80::/64'],
  hosts: /^169\.254(\.\d+){2}$|^fe[89ab][\da-f]:/,
};

const MULTICAST: Group = {
  name: 'multicast',
  words: 'multicast',
  old: ['224.0.0.0/4'],
  wide: ['ff00::/8'],
  hosts: /^(22[4-9]|23\d)(\.\d+){3}$|^ff[\da-f]{2}:/,
};

const PRIVATE_V4 = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];

const PRIVATE: Group = {
  name: 'private',
  words: [...PRIVATE_V4, 'fc00::/7'].join(' '),
  old: PRIVATE_V4,
  wide: ['fc00::/7'],
  hosts:
    /^(10\.\d+|172\.(1[6-9]|2\d|3[01])|192\.168|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))(\.\d+){2}$|^f[cd][\da-f]{2}:/,
};

const GROUPS = [LOOPBACK, LINK_LOCAL, MULTICAST, PRIVATE];

/** Global unicast addresses, and those that stand for IPv4's (RFC 6052). */
const PUBLIC_V6 = ['2000::/3', '64:ff9b::/96'];

/** Where systemd-resolved listens; a machine's own name servers are known only on that machine. */
const STUBS = ['127.0.0.53', '127.0.0.54'];

/** What a unit of a package must not reach. */
export interface AddressRule {
  readonly denied: readonly Group[];
  /** Addresses and prefixes of these groups that it may reach. */
  readonly allowed: readonly string[];
  /** Groups that are open because one of the package's hosts lies in them. */
  readonly opened: readonly { readonly group: Group['name']; readonly host: string }[];
}

/**
 * The addresses that a package's run must not reach, so that no redirect, index or DNS answer of an upstream leads to
 * services of this machine or its cloud's metadata. A group in which one of the package's own hosts lies is open; only
 * addresses and `localhost` tell, because what a name means is not known here. A command of the operator's may talk to
 * this machine. `resolvers` are the machine's name servers.
 */
export function addressRule(pkg: Package, resolvers: readonly string[]): AddressRule {
  const { deny, allow } = pkg.network;
  const groups = [
    ...(pkg.synctype === 'command' ? [] : [LOOPBACK]),
    LINK_LOCAL,
    MULTICAST,
    ...(deny.includes('private') ? [PRIVATE] : []),
  ];
  const hosts = hostsOf(pkg);
  const opened = groups.flatMap((group) => {
    const host = hosts.find((candidate) => group.hosts.test(candidate));
    return host === undefined ? [] : [{ group: group.name, host }];
  });
  const denied = groups.filter(({ name }) => !opened.some(({ group }) => group === name));
  const servers = [...new Set([...STUBS, ...resolvers])];
  return {
    denied,
    allowed: [...servers.filter((address) => denied.some((group) => group.hosts.test(address))), ...allow],
    opened,
  };
}

/**
 * Returns the directives of a rule. Root's unit gets the same as a list of what it may reach: only such a list denies what
 * no group names (reserved addresses), and only that counts for `systemd-analyze security`.
 */
export function addressLines({ denied, allowed }: AddressRule, asRoot: boolean): string {
  const open = GROUPS.filter((group) => !denied.includes(group)).flatMap(({ wide }) => wide);
  const others = asRoot ? [...otherPrefixes(denied.flatMap(({ old }) => old)), ...PUBLIC_V6, ...open] : [];
  const allow = [...allowed, ...others];
  const deny = asRoot ? ['any'] : denied.map(({ words }) => words);
  return [
    ...(allow.length > 0 ? [`IPAddressAllow=${allow.join(' ')}`] : []),
    `IPAddressDeny=${deny.join(' ')}`,
  ].join('\n');
}

/** Whether systemd takes it as an address or a prefix. */
export function isPrefix(text: string): boolean {
  const [address = '', length] = text.split('/');
  const isOld = !address.includes(':');
  const isAddress = isOld
    ? address.split('.').every((part) => Number(part) <= 255)
    : URL.canParse(`http://[${address}]/`);
  return isAddress && (length === undefined || Number(length) <= (isOld ? 32 : 128));
}

/** Hosts that the package names: its sources, its proxy, and URLs among its options and variables. */
function hostsOf(pkg: Package): string[] {
  const { proxy, redirects } = pkg.network;
  const texts = [...Object.values(pkg.options), ...Object.values(pkg.env)].flat();
  return [
    ...pkg.sources.flatMap(({ host }) => host ?? []),
    ...redirects,
    ...(proxy === null ? [] : [hostOf(proxy)]),
    ...Object.entries(pkg.env).flatMap(([name, value]) => (/_proxy$/i.test(name) ? [hostOf(value)] : [])),
    ...texts.flatMap((text) => (typeof text === 'string' && text.includes('://') ? [hostOf(text)] : [])),
  ];
}

/** The host of `host:port`, `user@host:port` or a URL, lower case and without brackets; empty: there is none. */
function hostOf(text: string): string {
  return parseSource(text.includes('://') ? text : `http://${text}`).source.host ?? '';
}
