/*
 * A disk that fails once: preloaded into a program of Node's, it makes one call on a file below a directory fail. The page
 * in the file IO_FAULTS says which; all processes that a command starts count in it together. Calls of other programs are
 * the system's, and so are calls outside of the directory. See io-faults.ts, which starts commands with it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ERROR = 1, INTERRUPTED, SHORT, DEAD };

static struct page {
  /* Calls so far; which one fails (0: none); how. */
  long long calls, at, how;
  /* Real path of the directory, and what failed: written here. */
  char below[1000], failed[3000];
} *page;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("IO_FAULTS");
  if (!path || strcmp(program_invocation_short_name, "node") != 0) return;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void *memory = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (memory != MAP_FAILED) page = memory;
}

static long real_syscall(long number, long a, long b, long c, long d, long e, long f) {
  static long (*next)(long, ...);
  if (!next) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return next(number, a, b, c, d, e, f);
}

static int is_below(const char *path) {
  size_t length = strlen(page->below);
  return strncmp(path, page->below, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* What an open descriptor leads to; 0 if that cannot be told. */
static int path_of(int fd, char *path) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long length = real_syscall(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, PATH_MAX - 1, 0, 0);
  if (length <= 0) return 0;
  path[length] = 0;
  return 1;
}

/* Whether this call is to fail, and how (0: not). */
static int fault(const char *call, const char *path, int may_be_short) {
  if (!is_below(path) || (page->how == SHORT && !may_be_short)) return 0;
  long long call_number = __atomic_add_fetch(&page->calls, 1, __ATOMIC_SEQ_CST);
  int is_due = page->how == DEAD ? call_number >= page->at : call_number == page->at;
  if (page->at == 0 || !is_due) return 0;
  if (call_number == page->at) snprintf(page->failed, sizeof page->failed, "%s %s", call, path);
  errno = page->how == INTERRUPTED ? EINTR : EIO;
  return page->how;
}

static int fault_at_path(const char *call, int directory, const char *path) {
  char whole[2 * PATH_MAX], start[PATH_MAX];
  int error = errno, from = -1, used = 0;
  if (!page) return 0;
  if (sscanf(path, "/proc/self/fd/%d%n", &from, &used) == 1 && used > 0) path += used;
  else if (path[0] != '/') from = directory;
  if (path[0] == '/' && from == -1) start[0] = 0;
  else if (from == AT_FDCWD ? !getcwd(start, sizeof start) : !path_of(from, start)) return errno = error, 0;
  snprintf(whole, sizeof whole, "%s%s%s", start, path[0] == '/' || path[0] == 0 ? "" : "/", path);
  errno = error;
  return fault(call, whole, 0);
}

static int fault_at_fd(const char *call, int fd, int may_be_short) {
  char path[PATH_MAX];
  int error = errno;
  if (!page || !path_of(fd, path)) return errno = error, 0;
  errno = error;
  return fault(call, path, may_be_short);
}

#define NEXT(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* open */

static mode_t mode_of(int flags, va_list rest) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = mode_of(flags, rest); \
    va_end(rest); \
    NEXT(name); \
    return fault_at_path("open", AT_FDCWD, path) ? -1 : next(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
  int name(int directory, const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = mode_of(flags, rest); \
    va_end(rest); \
    NEXT(name); \
    return fault_at_path("open", directory, path) ? -1 : next(directory, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

/* read and write: a short one does half of what was asked */

#define MOVE(name, call, buffer_type, parameters, arguments) \
  ssize_t name parameters { \
    NEXT(name); \
    int how = fault_at_fd(call, fd, count > 1); \
    if (how == SHORT) count /= 2; \
    else if (how) return -1; \
    return next arguments; \
  }
MOVE(read, "read", void, (int fd, void *buffer, size_t count), (fd, buffer, count))
MOVE(write, "write", const void, (int fd, const void *buffer, size_t count), (fd, buffer, count))
MOVE(pread, "read", void, (int fd, void *buffer, size_t count, off_t at), (fd, buffer, count, at))
MOVE(pread64, "read", void, (int fd, void *buffer, size_t count, off64_t at), (fd, buffer, count, at))
MOVE(pwrite, "write", const void, (int fd, const void *buffer, size_t count, off_t at), (fd, buffer, count, at))
MOVE(pwrite64, "write", const void, (int fd, const void *buffer, size_t count, off64_t at), (fd, buffer, count, at))

/* The same of several pieces; a short one leaves out the second half of the first and all others. */
#define MOVE_PIECES(name, call, parameters, short_arguments, arguments) \
  ssize_t name parameters { \
    NEXT(name); \
    int how = fault_at_fd(call, fd, count > 0 && pieces[0].iov_len > 1); \
    if (how == SHORT) { \
      struct iovec half = {pieces[0].iov_base, pieces[0].iov_len / 2}; \
      return next short_arguments; \
    } \
    return how ? -1 : next arguments; \
  }
MOVE_PIECES(readv, "read", (int fd, const struct iovec *pieces, int count), (fd, &half, 1), (fd, pieces, count))
MOVE_PIECES(writev, "write", (int fd, const struct iovec *pieces, int count), (fd, &half, 1), (fd, pieces, count))
MOVE_PIECES(preadv64, "read", (int fd, const struct iovec *pieces, int count, off64_t at), (fd, &half, 1, at),
            (fd, pieces, count, at))
MOVE_PIECES(pwritev64, "write", (int fd, const struct iovec *pieces, int count, off64_t at), (fd, &half, 1, at),
            (fd, pieces, count, at))

/* What is done to an open file */

#define AT_FD(name, parameters, arguments) \
  int name parameters { \
    NEXT(name); \
    return fault_at_fd(#name, fd, 0) ? -1 : next arguments; \
  }
AT_FD(fsync, (int fd), (fd))
AT_FD(fdatasync, (int fd), (fd))
AT_FD(fchmod, (int fd, mode_t mode), (fd, mode))
AT_FD(fchown, (int fd, uid_t owner, gid_t group), (fd, owner, group))

/* A close that fails has closed all the same (close(2)). Node closes and looks at files by syscall(2), which stands for much. */
static int closed(int fd) {
  int how = fault_at_fd("close", fd, 0), error = errno;
  int result = real_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
  if (!how) return result;
  errno = error;
  return -1;
}

int close(int fd) { return closed(fd); }

long syscall(long number, ...) {
  long words[6];
  va_list rest;
  va_start(rest, number);
  for (int i = 0; i < 6; i++) words[i] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_close) return closed(words[0]);
  if (number == SYS_statx && fault_at_path("stat", words[0], (const char *)words[1])) return -1;
  return real_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/* Names */

#define AT_PATH(name, call, parameters, arguments) \
  int name parameters { \
    NEXT(name); \
    return fault_at_path(call, AT_FDCWD, path) ? -1 : next arguments; \
  }
AT_PATH(unlink, "unlink", (const char *path), (path))
AT_PATH(rmdir, "rmdir", (const char *path), (path))
AT_PATH(mkdir, "mkdir", (const char *path, mode_t mode), (path, mode))
AT_PATH(chmod, "chmod", (const char *path, mode_t mode), (path, mode))

int statx(int directory, const char *restrict path, int flags, unsigned mask, struct statx *restrict facts) {
  NEXT(statx);
  return fault_at_path("stat", directory, path) ? -1 : next(directory, path, flags, mask, facts);
}

DIR *opendir(const char *path) {
  NEXT(opendir);
  return fault_at_path("list", AT_FDCWD, path) ? NULL : next(path);
}

int scandir64(const char *restrict path, struct dirent64 ***restrict names, int (*wanted)(const struct dirent64 *),
              int (*order)(const struct dirent64 **, const struct dirent64 **)) {
  NEXT(scandir64);
  return fault_at_path("list", AT_FDCWD, path) ? -1 : next(path, names, wanted, order);
}

int rename(const char *from, const char *to) {
  NEXT(rename);
  return fault_at_path("rename", AT_FDCWD, to) ? -1 : next(from, to);
}

int symlink(const char *target, const char *path) {
  NEXT(symlink);
  return fault_at_path("symlink", AT_FDCWD, path) ? -1 : next(target, path);
}
