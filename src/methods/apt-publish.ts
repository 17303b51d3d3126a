/** What of an apt index is published last of all: it names the rest. Regular expressions over paths below the index. */
export const RELEASE_LAST = ['/Release$', '/Release\\.gpg$', '/InRelease$'];

/**
 * Deletions that do not count, because each index brings them: old files of the index, but not the images of installers
 * that lie below it, and debmirror's own files.
 */
export const UNCOUNTED_INDEX = '^(dists/(?!.*/images/)|\\.temp/)';
