import type { Account } from '../boundary/as-user.js';
import { openDirectories, openLogToGroup, type Opened } from '../boundary/shared-directories.js';
import type { Layout } from '../job/layout.js';
import type { Site } from '../model/site.js';
import type { System } from '../system/system.js';
import { restore, type Entry } from './journal.js';
import { perform, type Operation } from './operation.js';
import { prepareState, type PreparedState } from './prepare-state.js';
import { parsePrepared, parseProblems } from './state-answers.js';
import type { StateWishes } from './state-wishes.js';

/** What apply asks of the user whom the state directory belongs to, and setup of the users of logs. */
export type StateOrder =
  | { readonly kind: 'prepare'; readonly wishes: StateWishes }
  | { readonly kind: 'perform'; readonly operations: readonly Operation[] }
  | { readonly kind: 'restore'; readonly entries: readonly Entry[] }
  | {
      readonly kind: 'open-directories';
      readonly path: string;
      readonly gid: number;
      readonly what: Opened;
    }
  | { readonly kind: 'open-log'; readonly path: string; readonly gid: number };

/** The part of an apply that lies in the state directory. Each throws when it is not done. */
export interface StateHalf {
  prepare(wishes: StateWishes): PreparedState;
  perform(operations: readonly Operation[]): void;
  /** Puts back what was there; returns what could not be put back. */
  restore(entries: readonly Entry[]): readonly string[];
}

/** The account that the state directory of a running system belongs to; null below `--root`, or if it is root's. */
export function stateAccount({ settings }: Site, { root }: Layout, system: System): Account | null {
  if (root !== '' || system.user(settings.uid)?.uid === 0) return null;
  return { user: settings.uid, group: settings.gid };
}

/**
 * The state half, done by a child process with the account's rights if this process has root's: the account's user could
 * have put a link to any file into its directories. What the child says is that user's word, and goes nowhere but back to
 * such a child.
 */
export function stateHalf(layout: Layout, account: Account | null, system: System): StateHalf {
  const answer = (order: StateOrder): unknown => answerAs(account, order, layout, system);
  return {
    prepare: (wishes) => parsePrepared(answer({ kind: 'prepare', wishes })),
    perform: (operations) => void answer({ kind: 'perform', operations }),
    restore: (entries) => parseProblems(answer({ kind: 'restore', entries })),
  };
}

/** The answer of a child with the account's rights, or of this process if it cannot or need not become the account. Throws. */
export function answerAs(
  account: Account | null,
  order: StateOrder,
  layout: Layout,
  system: System,
): unknown {
  const { askAs } = system;
  if (account === null || askAs === null) return carryOutOrder(order, layout, system);
  return answerOf(askAs(account, commandOf(layout), JSON.stringify(order)));
}

/** Does what was asked with the rights of this process. Throws the system's error. */
export function carryOutOrder(order: StateOrder, layout: Layout, system: System): unknown {
  switch (order.kind) {
    case 'prepare':
      return prepareState(order.wishes, layout, system);
    case 'perform':
      system.together(() => {
        for (const operation of order.operations) perform(operation, system);
      });
      return null;
    case 'restore':
      return restore(order.entries, system);
    case 'open-directories':
      return openDirectories(order.path, order.gid, order.what);
    case 'open-log':
      openLogToGroup(order.path, order.gid);
      return null;
  }
}

function commandOf({ root }: Layout): string[] {
  return ['state-half', ...(root === '' ? [] : ['--root', root])];
}

function answerOf({ code, stdout, stderr }: ReturnType<NonNullable<System['askAs']>>): unknown {
  if (code !== 0) throw new Error(stderr.trim() || `the process for the states ended with ${String(code)}`);
  try {
    return JSON.parse(stdout) as unknown;
  } catch {
    throw new Error('the process for the states gave no answer');
  }
}
