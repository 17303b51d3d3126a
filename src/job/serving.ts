/**
 * Seconds after which one process serves no further request: those that come without end would keep it alive past the
 * time limit of its unit. The request stays, and whatever follows the process (ExecStopPost=, a tick) starts another.
 */
export const SERVING = 3600;
