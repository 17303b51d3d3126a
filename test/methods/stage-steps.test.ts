import { describe, expect, test } from 'vitest';
import { NEVER_UPSTREAM } from '../../src/job/never-upstream.js';
import type { Step } from '../../src/job/step.js';
import { rsync } from '../../src/methods/rsync.js';
import type { MethodContext } from '../../src/methods/method.js';
import type { Package } from '../../src/model/site.js';
import { context, pkg, source } from '../compile/site.js';

const SOURCE = source('rsync://rsync.example.org/debian');

function stepsOf(
  options: object,
  changes: Partial<Package> = {},
  more: Partial<MethodContext> = {},
): readonly Step[] {
  const debian = pkg('debian', { sources: [SOURCE], options: { ...options }, ...changes });
  return rsync.steps(debian, context(SOURCE, more));
}

/** Filters and deletions of the exec at that place. */
function words(steps: readonly Step[], at: number): readonly string[] {
  const execs = steps.filter((step) => step.kind === 'exec');
  return (
    execs[at]?.argv.filter((word) => /^--(in|ex)clude=|^--delete/.test(word)).slice(NEVER_UPSTREAM.length) ??
    []
  );
}

describe('stages', () => {
  test('are: index held back, packages, upstream asked again, index proved and published, deletions', () => {
    expect(stepsOf({ stage_set: 'debian' }).map((step) => step.kind)).toEqual([
      'require-directory',
      'make-directory',
      'make-directory',
      'exec',
      'find-replaced',
      'exec',
      'exec',
      'repeat-if-changed',
      'make-directory',
      'prove-apt-archive',
      'publish-held',
      'exec',
      'count-closed',
    ]);
  });

  test('look for an index only where it can be', () => {
    const set = { index: ['/a/b/', '/c/**/list*'], early: ['by-hash/'], last: ['list', '/a/b/*.xml', 'x?/'] };
    const found = stepsOf({ stage_set: set, exclude: ['*.iso'] });
    expect(words(found, 0)).toEqual([
      '--exclude=*.~tmp~',
      '--exclude=*.iso',
      '--exclude=by-hash/***',
      '--include=/a/b/***',
      '--include=/c/**/list*',
      '--include=/a/',
      '--include=/a/b/',
      '--include=/c/',
      '--include=/c/**/',
      '--exclude=*',
      '--delete',
    ]);
    expect(words(found, 2)).toEqual([
      '--exclude=*.~tmp~',
      '--exclude=*.iso',
      '--include=by-hash/***',
      '--include=*/',
      '--exclude=/a/b/***',
      '--exclude=/c/**/list*',
    ]);
    expect(words(found, 3)).toEqual(['--exclude=*.~tmp~', '--exclude=*.iso', '--delete-delay']);
    const held = found.find((step) => step.kind === 'publish-held');
    const paths = ['a/list', 'list', 'listing', 'a/b/r.xml', 'z/a/b/r.xml', 'xy/d/e', 'xyz/d'];
    const matched = paths.map((path) => held?.last.findIndex((last) => new RegExp(last).test(path)));
    expect(matched).toEqual([0, 0, -1, 1, -1, 2, -1]);
  });

  test('of rpm walk everything, and publish repomd.xml last', () => {
    const found = stepsOf({ stage_set: 'rpm' });
    expect(words(found, 0)).toContain('--include=*/');
    const held = found.find((step) => step.kind === 'publish-held');
    expect(new RegExp(held?.last[0] ?? '').test('9/BaseOS/repodata/repomd.xml.asc')).toBe(true);
  });

  test('of a fallback delete nothing, and only the last one has a dry run', () => {
    const all = stepsOf({ stage_set: 'rpm' }).filter((step) => step.kind === 'exec');
    expect(all.map((step) => step.dry_run !== undefined)).toEqual([false, false, false, true]);
    // A directory of the packages may have become a file: the second one deletes within the limit, too.
    expect(all.map((step) => step.delete_limit !== undefined)).toEqual([false, false, true, true]);
    expect(all.map((step) => step.undo !== undefined)).toEqual([false, false, true, true]);
    const fallback = stepsOf({ stage_set: 'rpm' }, {}, { fallback: true });
    expect(fallback.at(-1)?.kind).toBe('publish-held');
    expect(JSON.stringify(fallback)).not.toMatch(/--force|--backup|delete_limit/);
  });

  test('take an accepted exit for the packages, never for the index', () => {
    const found = stepsOf({ stage_set: 'rpm' }, { acceptExit: { 23: 'unreadable' } });
    const asking = found.filter((step) => step.kind !== 'count-closed');
    const accepting = asking.filter((step) => 'argv' in step).map((step) => 'accept' in step);
    expect(accepting).toEqual([false, false, true, false, true]);
  });

  test('publish nothing of an upstream that went backwards', () => {
    const freshness = {
      file: 'project/trace/master',
      format: 'trace',
      maxAge: null,
      monotonic: true,
    } as const;
    const found = stepsOf({ stage_set: 'debian' }, { freshness: [freshness] });
    const kinds = found.map((step) => step.kind);
    expect(kinds.indexOf('check-freshness')).toBe(kinds.indexOf('publish-held') - 1);
    expect(found.find((step) => step.kind === 'check-freshness')).toMatchObject({
      path: '/var/lib/mirror/work/x/master',
      refuse: true,
    });
  });
});
