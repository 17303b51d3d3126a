/** Options with which each method has a package; a new method adds its own. */
export const METHOD_OPTIONS: Readonly<Record<string, Record<string, unknown>>> = {
  bandersnatch: { allow: ['requests'], json: true, delete: true },
  'apt-mirror': { dists: ['bookworm'] },
  command: { command: ['/usr/bin/true', '--flag'] },
  debmirror: { dists: ['bookworm'] },
  git: { repositories: ['linux.git', 'git/git.git'] },
  lftp: {},
  ftpsync: { user: 'mirror' },
  jigdo: { debian_mirror: 'file:/srv/ftp/debian' },
  local: {},
  'quick-fedora': { list: 'fullfiletimelist-debian' },
  reposync: { keys: ['/etc/pki/example.asc'] },
  rsync: {},
  ubuntu: { stage1_excludes: ['Packages*', 'Release*'] },
};
