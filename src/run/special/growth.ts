import { readdirSync, readlinkSync, statSync } from 'node:fs';

/**
 * Returns what tells why a tool must end that makes no progress, or null while it does: it writes files below `dst`, and for
 * `seconds` not one of them has grown and no other has been begun. So ends a transfer that breaks off at the same byte each
 * time, of a server which sends the file from its start again. A tool that writes no file now may be asking upstream for what
 * there is. `first` is the tool's process.
 */
export function watchForGrowth(dst: string, first: number, seconds: number): () => string | null {
  let best = new Map<string, number>();
  let since = 0;
  let next = 0;
  return () => {
    const now = Date.now();
    if (now < next) return null;
    next = now + seconds * 100;
    const open = writtenFiles(dst, first);
    const grows = [...open].some(([path, size]) => size > (best.get(path) ?? -1));
    if (grows || open.size === 0) {
      best = new Map([...open].map(([path, size]) => [path, Math.max(size, best.get(path) ?? 0)]));
      since = now;
      return null;
    }
    if (now - since < seconds * 1000) return null;
    return `the transfer has made no progress for ${String(Math.round((now - since) / 1000))} s`;
  };
}

/** Paths and sizes of the regular files below dst that a process has open for writing (proc(5)). */
function writtenFiles(dst: string, pid: number): Map<string, number> {
  const found = new Map<string, number>();
  try {
    const directory = `/proc/${String(pid)}/fd`;
    for (const fd of readdirSync(directory)) {
      const path = readlinkSync(`${directory}/${fd}`);
      if (!path.startsWith(`${dst}/`)) continue;
      const stat = statSync(`${directory}/${fd}`);
      if (stat.isFile()) found.set(path, stat.size);
    }
  } catch {
    // The process has just ended, or does not let us look: then nothing is known, and other limits hold.
  }
  return found;
}
