/**
 * A process of the publishing tests, started bundled: ends the run of one package the way the executor does, once its
 * stdin closes. `forever`: publishes until it is killed. `dies`: leaves a run that never ends, with a line of history and
 * a lock file. `repairs`: repairs what others left.
 */
import { readSync } from 'node:fs';
import { layout } from '../../src/job/layout.js';
import { appendHistory } from '../../src/state/history.js';
import { emptyState } from '../../src/state/package-state.js';
import { markDirty, publish } from '../../src/state/publish.js';
import { runEnded, runStarted } from '../../src/state/reduce.js';
import { repair } from '../../src/state/repair.js';
import { writeState } from '../../src/state/store.js';
import { tryLock } from '../../src/system/flock.js';
import { aRecord, aRun } from './site.js';

const [root = '', id = '', ended = '', how = ''] = process.argv.slice(2);
const paths = layout(root);
const record = aRecord('synced', Number(ended));

process.stdout.write('.');
if (id === 'forever') for (;;) once();
readSync(0, Buffer.alloc(1), 0, 1, null);
if (how === 'repairs') {
  repair(paths, Date.now());
} else if (how === 'dies') {
  tryLock(paths.runLock(id));
  appendHistory(paths, id, record);
  writeState(paths, runStarted(emptyState(id), aRun(), Date.now()));
} else {
  writeState(paths, runEnded(emptyState(id), record));
  once();
}

function once(): void {
  markDirty(paths);
  publish(paths, Date.now());
}
