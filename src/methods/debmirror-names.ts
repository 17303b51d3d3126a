/**
 * Perl for debmirror's configuration that ends debmirror at the first name that is no plain path: shells, rules of rsync and
 * the file system get names as an upstream wrote them. debmirror calls one of these functions with each name of an index
 * before it fetches, makes or unpacks anything by that name; the names of patches it takes from their own index. A path may
 * go up (`..`), but not out of the repository.
 */
export const NAMES = `{
  no warnings;
  my $refuse = sub {
    (my $name = substr($_[0], 0, 200)) =~ s/[^\\x20-\\x7e]/?/g;
    die "\\nmirror: refused the name $name\\n";
  };
  my $check = sub {
    for my $name (grep { defined } @_) {
      my $path = $name;
      $path =~ s{^\\Q$mirrordir\\E(/|\\z)}{};
      $refuse->($name) if $path !~ m{\\A(?![/~-])[A-Za-z0-9._+~:@%=,/-]*\\z};
      my $depth = 0;
      for my $part (split m{/+}, $path) {
        $depth += $part eq '..' ? -1 : $part eq '.' ? 0 : 1;
        $refuse->($name) if $depth < 0;
      }
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
    for my $part (@names[0, 1]) {
      next if $part eq '' or $part =~ m{\\A[A-Za-z0-9][A-Za-z0-9._+/-]*\\z} and $part !~ m{(^|/)\\.\\.(/|\\z)};
      $refuse->($part);
    }
    return @names;
  };
}
`;
