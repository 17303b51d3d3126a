import type { Exec } from './step.js';

/**
 * Fetches the index of an rpm repository and what upstream publishes beside it for those who check its signature. argv
 * (curl) writes each file into `directory` and prints its status and its path. A file that upstream refuses or does not have
 * is left out; any other answer for one beside the index ends the run, because clients that check signatures would have no
 * use for the index alone. An index that does not come is left for the tool after this step to explain.
 */
export interface FetchSignedIndexStep extends Exec {
  readonly kind: 'fetch-signed-index';
  readonly directory: string;
  /** `repomd.xml`. */
  readonly index: string;
  /** Its signature, and the key. */
  readonly signature: string;
  readonly key: string;
  /** Null: the signature is passed on and not checked. Otherwise argv gets the signature and the index behind. */
  readonly verify: {
    readonly argv: readonly string[];
    /** Files with the public keys, armored or not; `keyring` is made of them. */
    readonly keys: readonly string[];
    readonly keyring: string;
  } | null;
}
