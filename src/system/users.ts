import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Owner } from './system.js';

/**
 * A user's numbers by name or number. The local file answers first; getent(1) asks directories such as LDAP, and is
 * only started for a name that the file lacks.
 */
export function findUser(name: string | number): Owner | null {
  const row = lookUp('passwd', String(name), typeof name === 'number' ? 2 : 0);
  if (row) return { uid: Number(row[2]), gid: Number(row[3]) };
  return typeof name === 'number' ? { uid: name, gid: name } : null;
}

/** A group's number by name or number. */
export function findGroup(name: string | number): number | null {
  if (typeof name === 'number') return name;
  const row = lookUp('group', name, 0);
  return row ? Number(row[2]) : null;
}

function lookUp(database: 'passwd' | 'group', key: string, column: number): string[] | undefined {
  const rows = (text: string): string[][] => text.split('\n').map((line) => line.split(':'));
  const local = rows(readFileSync(`/etc/${database}`, 'utf8')).find((row) => row[column] === key);
  // A number needs no name, so no directory is asked for one.
  if (local || column !== 0) return local;
  const asked = spawnSync('getent', [database, '--', key], { encoding: 'utf8' });
  return asked.status === 0 ? rows(asked.stdout).find((row) => row[0] === key) : undefined;
}
