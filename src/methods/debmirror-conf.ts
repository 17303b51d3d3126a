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
 * Names that an upstream chooses are checked before debmirror takes them for words of a shell or for paths below dst.
 */
export function debmirrorConf(pkg: Package, source: Source): FilePart[] {
  return [
    '# Written for one run: debmirror reads this as Perl.\n',
    ...login(pkg, source),
    ...redirects(pkg, source),
    CORRECTION,
    NAMES,
    '1;\n',
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
`;

/**
 * Ends debmirror at the first name that is no plain path. It calls one of these functions with each name of an index before
 * it fetches, makes or unpacks anything by that name; the names of patches it takes from their own index.
 */
const NAMES = `{
  no warnings;
  my $check = sub {
    for my $name (grep { defined } @_) {
      my $path = $name;
      $path =~ s{^\\Q$mirrordir\\E(/|\\z)}{};
      next if $path =~ m{\\A(?![/~-])[A-Za-z0-9._+~:@%=,/-]*\\z} and $path !~ m{(^|/)\\.\\.(/|\\z)};
      ($path = substr($name, 0, 200)) =~ s/[^\\x20-\\x7e]/?/g;
      die "\\nmirror: refused the name $path\\n";
    }
  };
  for my $name ('http_get', 'ftp_get', 'rsync_get', 'remote_get', 'make_dir', 'check_lists', 'check_diff') {
    my $original = \\&$name;
    *$name = sub { $check->($_[0]); $original->(@_) };
  }
  my ($file, $redirect, $patches, $name) = (\\&check_file, \\&system_redirect_io, \\&fetch_and_apply_diffs, \\&name_release);
  *check_file = sub { my %of = @_; $check->($of{filename}); $file->(@_) };
  *system_redirect_io = sub { $check->(@_[1, 2]); $redirect->(@_) };
  *fetch_and_apply_diffs = sub {
    open(my $index, '<', ".temp/$_[1]/$_[2].diff/Index") or die "$_[1]/$_[2].diff/Index: $!\\n";
    while (my $line = <$index>) { $check->($1) if $line =~ /^\\s+[A-Za-z0-9]+\\s+\\d+\\s+(.*)/ }
    close $index;
    $patches->(@_);
  };
  *name_release = sub {
    my @names = $name->(@_);
    for (@names[0, 1]) {
      next if $_ eq '' or m{\\A[A-Za-z0-9][A-Za-z0-9._+/-]*\\z} and !m{(^|/)\\.\\.(/|\\z)};
      s/[^\\x20-\\x7e]/?/g;
      die "\\nmirror: refused the name " . substr($_, 0, 200) . "\\n";
    }
    return @names;
  };
}
`;
