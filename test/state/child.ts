/**
 * A process of the publishing tests, started bundled: ends the run of one package the way the executor does, once its
 * stdin closes; or, told `forever`, publishes until it is killed.
 */
import { readSync } from 'node:fs';
import { layout } from '../../src/job/layout.js';
import { emptyState } from '../../src/state/package-state.js';
import { markDirty, publish } from '../../src/state/publish.js';
import { runEnded } from '../../src/state/reduce.js';
import { writeState } from '../../src/state/store.js';
import { aRecord } from './site.js';

const [root = '', id = '', ended = ''] = process.argv.slice(2);
const paths = layout(root);
const gate = Buffer.alloc(1);

process.stdout.write('.');
if (id === 'forever') {
  for (;;) once();
} else {
  readSync(0, gate, 0, 1, null);
  writeState(paths, runEnded(emptyState(id), aRecord('synced', Number(ended))));
  once();
}

function once(): void {
  markDirty(paths);
  publish(paths, Date.now());
}
