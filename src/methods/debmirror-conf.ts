import type { FilePart } from '../job/step.js';
import type { Package, Source } from '../model/site.js';
import { NAMES } from './debmirror-names.js';
import type { Options } from './method.js';
import { hearsPassword } from './password.js';
import { upstreamHosts } from './redirects.js';
import { upstream } from './web-source.js';

/** Places of one run that debmirror is told of. */
export interface DebmirrorPlaces {
  /** A directory of dst that readers do not see, in which debmirror leaves the new index. */
  readonly held: string;
  /** Files that get paths, a zero byte behind each: what debmirror wanted, and what it has no use for. */
  readonly wanted: string;
  readonly gone: string;
}

/**
 * debmirror's configuration is Perl. It gets the user and the password here, where nobody else can read them, and changes
 * of what debmirror (2.37) does; each function of it below `*name = sub` is the one that it defines itself.
 *
 * - The new index goes to a directory that readers do not see, and not to dst: `prove-apt` looks at it there.
 * - A failed download ends it. By itself it would put the new index in place and delete what the old one named.
 * - It deletes nothing. It tells what it wanted and what is in dst without a use; rsync's own deletions have a limit.
 * - A path of an index that leads out of dst ends it, and so does a name that is no plain path (`NAMES`).
 * - An upstream without Release gets one of its InRelease, and one without any package is no error.
 * - It counts what it does, and its warnings and its last words get lines of their own.
 */
export function debmirrorConf(pkg: Package, source: Source, places: DebmirrorPlaces): FilePart[] {
  return [
    '# Written for one run: debmirror reads this as Perl.\n',
    ...login(pkg, source),
    ...redirects(pkg, source),
    ...Object.entries(places).map(([name, path]) => `our $mirror_${name} = ${perlText(path as string)};\n`),
    "our $mirror_limit = '",
    { value: 'delete-limit' },
    "';\n",
    NAMES,
    CHANGES,
  ];
}

function perlText(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
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

const CHANGES = `{
  no warnings;
  # A repository without packages is one; the guard looks after what was there.
  $new_mirror = 1;
  my ($files, $bytes, $dst, $last, %gone) = (0, 0);
  my $words = sub { print "\\n", @_ };
  $SIG{__WARN__} = $words;
  $SIG{__DIE__} = sub { $last = $_[0] unless $^S };

  # A path as clients and web servers read it; nothing if it leads out of the repository.
  my $plain = sub {
    my @parts;
    return if $_[0] =~ m{^/};
    for my $part (split m{/+}, $_[0]) {
      next if $part eq '' or $part eq '.';
      if ($part ne '..') { push @parts, $part }
      elsif (@parts) { pop @parts }
      else { return }
    }
    return join '/', @parts;
  };

  # debmirror asks this for every file that it wants.
  my $wanted;
  my $check = \\&check_file;
  *check_file = sub {
    my %asked = @_;
    my $path = $asked{filename};
    if ($path !~ m{^\\.temp/}) {
      $path = $plain->($path);
      die "mirror: refused the path $asked{filename} of an index\\n" if !defined $path;
      if (!$wanted) { open $wanted, '>', $mirror_wanted or die "$mirror_wanted: $!" }
      print $wanted "$path\\0" or die "$mirror_wanted: $!";
    }
    return $check->(@_);
  };

  # Makes a Release file of the InRelease beside it.
  my $release = sub {
    my ($get, $file, $inline) = @_;
    return '' unless $get->($inline);
    my ($text, $signature);
    open $text, '>', $file and open $signature, '>', '/dev/null' or die "$file: $!";
    split_clearsigned_file($inline, $text, $signature) or die "$inline is not signed\\n";
    close $text or die "$file: $!";
    print "\\nmirror: upstream has no $file: made of $inline\\n";
    return 1;
  };

  for my $name ('http_get', 'ftp_get', 'rsync_get') {
    my $get = \\&$name;
    *$name = sub {
      my ($file) = @_;
      die "mirror: refused the path $file of an index\\n" unless defined $plain->($file);
      my ($errors, @said) = ($num_errors);
      my $done;
      {
        local $SIG{__WARN__} = sub { push @said, @_ };
        $done = $get->(@_);
      }
      $gone{$file} = 1 if grep { /failed: 404/ } @said;
      my ($inline) = $file =~ m{^(dists/.+/)Release$} ? "$1InRelease" : ();
      if (!$done and $inline and $file !~ m{/(binary-[^/]+|source)/Release$} and $release->($get, $file, $inline)) {
        $num_errors = $errors;
        $done = 1;
        @said = ();
      }
      $words->($_) for @said;
      if ($done and !$do_dry_run and $name ne 'rsync_get') { $files++; $bytes += -s $file; }
      return $done;
    };
  }

  # Where signatures are not asked for, none has to be there.
  my $signed = \\&get_release;
  *get_release = sub {
    my $errors = $num_errors;
    my $done = $signed->(@_);
    $num_errors = $errors
      if $done and !$check_gpg and $gone{"dists/$_[1]/InRelease"} and $gone{"dists/$_[1]/Release.gpg"};
    return $done;
  };

  # Extra files are no index: they go to dst at once.
  my $extra = \\&rsync_extra_get;
  *rsync_extra_get = sub {
    local $mirrordir = defined $dst ? $dst : $mirrordir;
    local $rsync_options = "$rsync_options --max-delete=$mirror_limit";
    return $extra->(@_);
  };

  # What is in dst and neither the new index nor wanted; 'prove-apt' takes away what is wanted.
  my $tell = sub {
    my $ignored = @ignores ? '(' . join('|', @ignores) . ')' : undef;
    my $images = '^(dists/.*/installer-[^/]+/current/images)/(.*)';
    my %sums;
    open my $out, '>', $mirror_gone or die "$mirror_gone: $!";
    chdir $dst or die "chdir $dst: $!";
    open my $found, '-|', 'find', '.', '-type', 'f', '-print0' or die "find: $!";
    local $/ = "\\0";
    while (my $file = <$found>) {
      chomp $file;
      $file =~ s{^\\./}{};
      next if $file =~ m{(^|/)\\.~tmp~/|^Archive-Update-in-Progress-[^/]+$};
      next if -e "$mirror_held/$file" or defined $ignored and $file =~ /$ignored/;
      if (my ($directory, $image) = $file =~ /$images/) {
        $sums{$directory} = { map { m{^\\S+ +(?:\\./)?(.+)} ? ($1 => 1) : () } lines("$mirror_held/$directory/MD5SUMS") }
          if !$sums{$directory};
        next if $sums{$directory}{$image};
      }
      elsif (my ($kept) = $file =~ m{^\\.temp/(dists/.*)/}) {
        $kept =~ s{/[^/]+\\.diff$}{};
        next if -d "$mirror_held/$kept";
      }
      print $out "$file\\0" or die "$mirror_gone: $!";
    }
    close $found or die "find: exit $?\\n";
    if (!$omit_suite_symlinks) {
      for my $link (glob 'dists/*') { print $out "$link\\0" if -l $link and !-l "$mirror_held/$link" }
    }
    close $out or die "$mirror_gone: $!";
    chdir $mirrordir or die "chdir $mirrordir: $!";
  };

  sub lines {
    local $/ = "\\n";
    open my $file, '<', $_[0] or return ();
    chomp(my @lines = <$file>);
    return @lines;
  }

  *say = sub {
    if ($_[0] =~ /^Everything OK/) {
      # What a dry run of rsync did not fetch is counted as missing.
      $num_errors = 0 if $do_dry_run;
      die "Failed to download files ($num_errors errors)!\\n" if $num_errors;
      if (!$do_dry_run) {
        $dst = $mirrordir;
        symlink "$dst/.temp", "$mirror_held/.temp" or die "$mirror_held/.temp: $!";
        $mirrordir = $mirror_held;
      }
    }
    if (defined $dst and $_[0] =~ /^All done/) {
      unlink "$mirror_held/.temp";
      close $wanted or die "$mirror_wanted: $!" if $wanted;
      $tell->();
    }
    print "@_\\n";
  };
  END {
    print "mirror: fetched $files files, $bytes bytes\\n";
    print $last if defined $last;
  }
}
1;
`;
