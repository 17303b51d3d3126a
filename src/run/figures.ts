import type { Transfer } from '../state/package-state.js';

/** Figures of which most are not known. */
export function figures(known: Partial<Transfer>): Transfer {
  return {
    files: null,
    total_bytes: null,
    transferred_files: null,
    transferred_bytes: null,
    received_bytes: null,
    deleted: null,
    speedup: null,
    ...known,
  };
}

/** Figures of a run of several passes: what was moved adds up, what is there is the last one's word. */
export function together(before: Transfer | null, after: Transfer | null): Transfer | null {
  if (before === null || after === null) return after ?? before;
  const sum = (a: number | null, b: number | null): number | null => (a === null ? b : a + (b ?? 0));
  const moved = {
    transferred_files: sum(before.transferred_files, after.transferred_files),
    transferred_bytes: sum(before.transferred_bytes, after.transferred_bytes),
    received_bytes: sum(before.received_bytes, after.received_bytes),
    deleted: sum(before.deleted, after.deleted),
  };
  const total_bytes = after.total_bytes ?? before.total_bytes;
  const speedup = moved.received_bytes && total_bytes !== null ? total_bytes / moved.received_bytes : null;
  return {
    files: after.files ?? before.files,
    total_bytes,
    ...moved,
    speedup: speedup === null ? after.speedup : Math.round(speedup * 100) / 100,
  };
}
