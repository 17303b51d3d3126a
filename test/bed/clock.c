/*
 * A wall clock that jumps: weeks of a scheduler's work in the time that its starts take. Preloaded into systemd (PID 1
 * of a bed) or cron, which then read the time from the file /run/bed-clock: two 64-bit integers, nanoseconds since the
 * epoch, the time and where it has to stop. Time stands still while the scheduler or a process that it started is at
 * work, and jumps when the scheduler would wait: so no start is late, however busy the machine is. Monotonic clocks are
 * the machine's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define FDS 1024
/* A year that nobody means: systemd's "tell me when the clock is set". */
#define NEVER (250LL * 366 * 86400)

static volatile struct {
  long long now, end;
} *wall;
static int is_pid1, waits;
/* By file descriptor: a timer of the wall clock, and when it elapses (0: not armed). */
static unsigned char is_wall[FDS];
static long long due[FDS];

__attribute__((constructor)) static void begin(void) {
  is_pid1 = getpid() == 1;
  const char *mode = getenv("BED_CLOCK");
  if (!is_pid1 && !mode) return;
  waits = mode && strcmp(mode, "wait") == 0;
  int fd = open("/run/bed-clock", O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *page = mmap(NULL, sizeof *wall, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) wall = page;
}

static void pause_ms(long ms) {
  struct timespec t = {0, ms * 1000000};
  syscall(SYS_nanosleep, &t, NULL);
}

int clock_gettime(clockid_t clock, struct timespec *t) {
  if (!wall || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE && clock != CLOCK_REALTIME_ALARM))
    return syscall(SYS_clock_gettime, clock, t);
  t->tv_sec = wall->now / SECOND;
  t->tv_nsec = wall->now % SECOND;
  return 0;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *t) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (t) *t = now.tv_sec;
  return now.tv_sec;
}

/* cron's way to wait. With BED_CLOCK=wait, what it started has to end first: cron's own handler reaps it. */
unsigned sleep(unsigned seconds) {
  siginfo_t child;
  if (!wall) {
    struct timespec t = {seconds, 0};
    return syscall(SYS_nanosleep, &t, NULL) == 0 ? 0 : 1;
  }
  while (waits && (waitid(P_ALL, 0, &child, WEXITED | WNOWAIT) == 0 || errno != ECHILD)) pause_ms(1);
  while (wall->now >= wall->end) pause_ms(5);
  wall->now += seconds * SECOND;
  return 0;
}

int timerfd_create(int clock, int flags) {
  int fd = syscall(SYS_timerfd_create, clock, flags);
  if (fd >= 0 && fd < FDS) {
    is_wall[fd] = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
    due[fd] = 0;
  }
  return fd;
}

static int elapse(int fd) {
  struct itimerspec soon = {{0, 0}, {0, 1}};
  due[fd] = 0;
  return syscall(SYS_timerfd_settime, fd, 0, &soon, NULL);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old) {
  static const struct itimerspec none;
  if (!wall || fd < 0 || fd >= FDS || !is_wall[fd] || !(flags & TFD_TIMER_ABSTIME) || value->it_value.tv_sec > NEVER)
    return syscall(SYS_timerfd_settime, fd, flags, value, old);
  due[fd] = value->it_value.tv_sec * SECOND + value->it_value.tv_nsec;
  int result = syscall(SYS_timerfd_settime, fd, 0, &none, old);
  if (due[fd] > 0 && due[fd] <= wall->now) return elapse(fd);
  return result;
}

static int children(void) {
  char text[4096];
  int count = 0, fd = open("/proc/1/task/1/children", O_RDONLY | O_CLOEXEC);
  long length = fd < 0 ? 0 : read(fd, text, sizeof text);
  if (fd >= 0) close(fd);
  for (long i = 0; i < length; i++) count += text[i] == ' ';
  return count;
}

static void jump(void) {
  long long to = wall->end;
  for (int fd = 0; fd < FDS; fd++)
    if (due[fd] > 0 && due[fd] < to) to = due[fd];
  if (to > wall->now) wall->now = to;
  for (int fd = 0; fd < FDS; fd++)
    if (due[fd] > 0 && due[fd] <= to) elapse(fd);
}

/* systemd's way to wait. Its services that stay are the fewest children that it was seen with since it began. */
int epoll_wait(int epoll, struct epoll_event *events, int size, int timeout) {
  static int staying = -1;
  int waited = 0;
  if (!wall || !is_pid1 || timeout == 0) return syscall(SYS_epoll_pwait, epoll, events, size, timeout, NULL, 8);
  for (;;) {
    int going = wall->now < wall->end, step = going ? 1 : 10;
    int ready = syscall(SYS_epoll_pwait, epoll, events, size, step, NULL, 8);
    if (ready != 0) return ready;
    if (going) {
      int count = children();
      if (staying < 0 || count < staying) staying = count;
      if (count == staying) jump();
    }
    waited += step;
    if (timeout > 0 && waited >= timeout) return 0;
  }
}

int epoll_pwait2(int epoll, struct epoll_event *events, int size, const struct timespec *timeout, const sigset_t *mask) {
  (void)mask;
  long ms = timeout ? timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000 : -1;
  return epoll_wait(epoll, events, size, ms > 1000000 ? 1000000 : ms);
}
