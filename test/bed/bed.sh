#!/usr/bin/env bash
# A throw-away system for live tests: a real systemd as PID 1 of fresh namespaces, on an overlay of this machine's root
# file system. Everything it writes stays in a tmpfs and is gone with its PID 1; its network has a loopback only.
#
#   bed.sh DIRECTORY [DISK [UPTIME]]
#                       boots and stays in the foreground. DIRECTORY is empty, for mount points and the console's log;
#                       the bed's PID 1 is this process's only child (seen from outside: `unshare` and its child).
#                       Kill that child, then remove the cgroup named in DIRECTORY/cgroup.
#   DISK                a directory on a tmpfs in which everything written lasts, so that the next bed on it finds it
#                       as after a reboot; default: a tmpfs of the bed's own, gone with it.
#   UPTIME              seconds that this boot is old when systemd starts; default 0.
# Needs root, systemd, dbus and util-linux.
set -euo pipefail

directory=$1
disk=${2:-}

# Outside: a cgroup of its own, which becomes the root of the bed's cgroup namespace. cgroup2 alone: where the
# controllers are bound to v1 limits are accepted but not enforced, and no test here needs them.
outside() {
  local hierarchy cgroup booted
  hierarchy=$(awk '$0 ~ / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
  [ -n "$hierarchy" ] || { echo "bed: no cgroup2 hierarchy" >&2; exit 1; }
  cgroup=$hierarchy/mirror-bed-$$
  mkdir "$cgroup"
  echo "$cgroup" >"$directory/cgroup"
  echo $$ >"$cgroup/cgroup.procs"
  # The clocks that count from a boot count from this bed's.
  booted=$((${1:-0} - $(cut -d. -f1 /proc/uptime)))
  # Nothing of it outlives whoever booted it, however that ends.
  exec setpriv --pdeathsig KILL unshare --mount --propagation private --pid --uts --ipc --net --cgroup \
    --time --boottime "$booted" --monotonic "$booted" --fork --kill-child=SIGKILL -- \
    "$BASH" "$0" "$directory" "$disk" inside
}

# PID 1 of the new namespaces builds its root and becomes systemd.
inside() {
  local root=$directory/root
  mkdir "$directory/layer" "$root"
  if [ -n "$disk" ]; then mount --bind "$disk" "$directory/layer"; else mount -t tmpfs -o mode=755 bed "$directory/layer"; fi
  mkdir -p "$directory/layer/upper" "$directory/layer/work"
  mount -t overlay -o "lowerdir=/,upperdir=$directory/layer/upper,workdir=$directory/layer/work" bed "$root"
  devices "$root"
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  # The machine's kernel settings are not the bed's to change.
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/sys"
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
  mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755,nosuid,nodev bed "$root/run"
  mount -t tmpfs -o mode=1777,nosuid,nodev bed "$root/tmp"
  # Each boot of a bed is one of its own: states name the boot that they belong to. A unit with ProtectProc= has a /proc
  # of its own, too.
  cat /proc/sys/kernel/random/uuid >"$root/run/boot_id"
  mount --bind "$root/run/boot_id" "$root/proc/sys/kernel/random/boot_id"
  mkdir -p "$root/run/systemd/system/mirror-.service.d"
  printf '[Service]\nBindReadOnlyPaths=/run/boot_id:/proc/sys/kernel/random/boot_id\n' \
    >"$root/run/systemd/system/mirror-.service.d/boot-of-the-bed.conf"
  [ -e "$directory/layer/configured" ] || configure "$root"
  : >"$directory/layer/configured"
  cd "$root"
  pivot_root . .
  umount -l .
  cd /
  # LoadCredential= mounts in a namespace of its own and counts on the mount coming back to this one; in a container
  # systemd leaves propagation as it finds it, and credentials would be empty.
  mount --make-rshared /
  # Nor are its clock and its kernel.
  exec env -i container=mirror-bed PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-wake_alarm /lib/systemd/systemd --system
}

# A /dev of its own, with what every program may expect.
devices() {
  local root=$1 node
  mount -t tmpfs -o mode=755,nosuid,noexec bed "$root/dev"
  for node in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "$root/dev/${node%:*}" c 1 "${node#*:}"
  done
  mknod -m 666 "$root/dev/tty" c 5 0
  mkdir -m 755 "$root/dev/pts"
  mkdir -m 1777 "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5,nosuid,noexec devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  for node in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${node%:*}" "$root/dev/${node#*:}"; done
}

# This machine's own services stay out; so do those of the distribution that have no meaning in here.
configure() {
  local root=$1 unit
  rm -rf "$root"/etc/rc?.d "$root/etc/systemd/system" "$root/var/lib/systemd/timers" "$root/.dockerenv"
  mkdir -p "$root/etc/systemd/system" "$root/var/lib/systemd/timers"
  for unit in systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
    systemd-udev-trigger.service systemd-networkd.socket systemd-firstboot.service systemd-update-utmp.service \
    systemd-journald-audit.socket systemd-modules-load.service getty.target console-getty.service \
    dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount; do
    ln -s /dev/null "$root/etc/systemd/system/$unit"
  done
  ln -s /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
  : >"$root/etc/fstab"
  rm -f "$root/etc/machine-id"
  tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
  echo bed >"$root/etc/hostname"
}

if [ "${3:-}" = inside ]; then inside; else outside "${3:-0}"; fi
