import type { Finding } from '../../diagnostics/diagnostic.js';
import type { CheckedSite } from '../rules/rule.js';

/**
 * When a hazard is reported. `always`: hardly any site means it, so that every validation warns. `strict`: sites have it for
 * good reasons, but a reviewer should see it: `validate --strict` refuses it, other commands are silent.
 */
export type Said = 'always' | 'strict';

/** What a row of each table says of a value by which a config runs code, or reads or writes what is not a sync's. */
export interface Row {
  readonly said: Said;
  /** Continues the value's name in a message: `--rsh` runs a command of its own. */
  readonly does: string;
}

/** A finding that is reported as its row says. */
export interface Hazard {
  readonly said: Said;
  readonly finding: Finding;
}

/** Looks for one kind of hazard. Pure; places are as for rules. */
export type HazardRule = (site: CheckedSite) => readonly Hazard[];
