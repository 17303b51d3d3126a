import type { FilePart } from '../job/step.js';
import type { Package, Source } from '../model/site.js';
import type { Options } from './method.js';
import { hearsPassword } from './password.js';
import { upstreamHosts } from './redirects.js';
import { upstream } from './web-source.js';

/**
 * debmirror's configuration is Perl. It gets the user and the password here, where nobody else can read them, and a
 * correction: after a failed download debmirror (2.37) puts the new index in place and deletes what the old one named.
 * Here it ends before that. It also counts what it does, which it never tells, and its warnings get lines of their own.
 */
export function debmirrorConf(pkg: Package, source: Source): FilePart[] {
  return [
    '# Written for one run: debmirror reads this as Perl.\n',
    ...login(pkg, source),
    ...redirects(pkg, source),
    CORRECTION,
  ];
}

/** Lets LWP follow a redirect to the upstream's hosts only, and none from https to http. */
function redirects(pkg: Package, source: Source): string[] {
  const { scheme } = upstream(source);
  if (scheme !== 'http' && scheme !== 'https') return [];
  const hosts = upstreamHosts(pkg, source).map((host) => `'${host}'`);
  return [
    `{
  my @hosts = (${hosts.join(', ')});
  my $schemes = qr/^${scheme === 'https' ? 'https' : 'https?'}$/;
  require LWP::UserAgent;
  no warnings;
  my $follow = \\&LWP::UserAgent::redirect_ok;
  *LWP::UserAgent::redirect_ok = sub {
    my $url = $_[1]->uri->canonical;
    my $host = $url->can('host') ? $url->host : '';
    my $known = grep { $host eq $_ or substr($host, -length(".$_")) eq ".$_" } @hosts;
    return $follow->(@_) if $known and $url->scheme =~ $schemes;
    $host =~ s/[^A-Za-z0-9._:-]/?/g;
    print "\\nmirror: refused a redirect to ", $url->scheme, "://$host\\n";
    return 0;
  };
}
`,
  ];
}

function login(pkg: Package, source: Source): FilePart[] {
  const { scheme, user } = upstream(source);
  const { user: own = '' } = pkg.options as Options<'debmirror'>;
  const name = encodeURIComponent(own || user).replaceAll("'", '%27');
  if (name === '') return [];
  const password: FilePart[] = hearsPassword(pkg, source) ? [{ secret: 'password', quote: 'url' }] : [];
  // In a URL they stay encoded; Net::FTP and rsync take them as they are.
  const decode = scheme === 'ftp' || scheme === 'rsync';
  return [
    `$user = '${name}';\n`,
    "$passwd = '",
    ...password,
    "';\n",
    ...(decode ? ['s/%([0-9A-Fa-f]{2})/chr hex $1/ge for $user, $passwd;\n'] : []),
  ];
}

const CORRECTION = `{
  no warnings;
  my ($files, $bytes, $deleted) = (0, 0, 0);
  $SIG{__WARN__} = sub { print "\\n", @_ };
  *say = sub {
    # What a dry run of rsync did not fetch is counted as missing.
    $num_errors = 0 if $do_dry_run and $_[0] =~ /^Everything OK/;
    die "Failed to download files ($num_errors errors)!\\n" if $num_errors and $_[0] =~ /^Everything OK/;
    $deleted++ if $_[0] =~ /^deleting (?!\\.temp\\/)/ and !$do_dry_run;
    print "@_\\n";
  };
  for my $name ('http_get', 'ftp_get') {
    my $get = \\&$name;
    *$name = sub {
      my $done = $get->(@_);
      if ($done and !$do_dry_run) { $files++; $bytes += -s $_[0]; }
      return $done;
    };
  }
  END { print "mirror: fetched $files files, $bytes bytes; deleted $deleted\\n" }
}
1;
`;
