/**
 * When a package is due. One meaning for every backend: timers and cron lines only wake the executor, and
 * `slots()` decides. Pure: time is an argument, in epoch milliseconds.
 */

/** `HH:MM-HH:MM` in `Schedule.zone` wall-clock time, as minutes of the day; `to <= from` crosses midnight. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export type Rule =
  /** Slots at `phase + k * every` seconds from the Unix epoch, in UTC; both are whole minutes. */
  | { readonly kind: 'interval'; readonly every: number; readonly phase: number }
  /**
   * Wall-clock minutes after cron(5): sorted value lists. When both `days` and `weekdays` are restricted a day
   * matching either one counts (cron's rule). A minute that a clock change skips does not fire, a repeated one fires once.
   */
  | {
      readonly kind: 'calendar';
      readonly minutes: readonly number[];
      readonly hours: readonly number[];
      /** 1-31, or null for `*`. */
      readonly days: readonly number[] | null;
      /** 1-12 */
      readonly months: readonly number[];
      /** 0 (Sunday) - 6, or null for `*`. */
      readonly weekdays: readonly number[] | null;
      /** IANA zone of the wall clock. */
      readonly zone: string;
    }
  /** Every day at these wall-clock minutes of the day (sorted); clock changes as for `calendar`. */
  | { readonly kind: 'daily'; readonly times: readonly number[]; readonly zone: string }
  /** Only on request (`"syncrate": "PUSH"`, or `""`). */
  | { readonly kind: 'none' };

export interface Schedule {
  readonly rule: Rule;
  /** Slots outside every window are no slots. Empty: always open. */
  readonly windows: readonly Window[];
  /** IANA zone of the windows. */
  readonly zone: string;
}
