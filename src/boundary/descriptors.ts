import { closeSync, openSync, readSync, readdirSync } from 'node:fs';

/** The open flag by which the kernel closes a descriptor when another program starts, as in /proc/PID/fdinfo. */
const CLOSE_ON_EXEC = 0o2000000;

/** Node marks these itself before it opens its own (uv_disable_stdio_inheritance of libuv), so that systemd's are kept. */
const MARKED_BY_NODE = 16;

/**
 * Closes what the caller left open for this process, so that no tool inherits it: a secret file, or a socket. Node's own
 * descriptors are marked as not to be passed on; one without the mark is the caller's. Keeps the descriptor `given`, which
 * a parent of ours passed on purpose and which its reader closes. Does nothing without /proc.
 */
export function closeInheritedDescriptors(given: string | undefined): void {
  for (const name of openDescriptors()) {
    const fd = Number(name);
    if (fd >= MARKED_BY_NODE && name !== given && !isClosedOnExec(name)) closeSync(fd);
  }
}

function openDescriptors(): string[] {
  try {
    return readdirSync('/proc/self/fdinfo');
  } catch {
    return [];
  }
}

/** The descriptor by which /proc was listed is gone already, and counts as ours. */
function isClosedOnExec(name: string): boolean {
  let fd: number;
  try {
    fd = openSync(`/proc/self/fdinfo/${name}`, 'r');
  } catch {
    return true;
  }
  const buffer = Buffer.allocUnsafe(64);
  const text = buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, null));
  closeSync(fd);
  // `pos:\t0\nflags:\t02100000\nmnt_id:…`
  return (parseInt(text.slice(text.indexOf('flags:') + 'flags:'.length), 8) & CLOSE_ON_EXEC) !== 0;
}
