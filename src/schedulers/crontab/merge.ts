const BEGIN = '# BEGIN mirror';
const END = '# END mirror';

/** A crontab whose block cannot be found for sure; nobody's lines are guessed away. */
export class CrontabMarkError extends Error {}

/**
 * Puts the marked block into a user's crontab: in place of the old one, else at the end. Everything outside the marks
 * stays byte for byte; an empty block takes the old one out. Throws CrontabMarkError when the marks do not pair.
 */
export function mergeCrontab(current: string, block: string): string {
  const lines = current.split(/(?<=\n)/);
  const at = (mark: string): number[] => lines.flatMap((line, i) => (line.trimEnd() === mark ? [i] : []));
  const begins = at(BEGIN);
  const ends = at(END);
  const [begin] = begins;
  const [end] = ends;
  if (begin === undefined && end === undefined) {
    return block === ''
      ? current
      : `${current}${current === '' || current.endsWith('\n') ? '' : '\n'}${block}`;
  }
  if (begins.length !== 1 || ends.length !== 1 || begin === undefined || end === undefined || end < begin) {
    throw new CrontabMarkError(
      `the lines \`${BEGIN}\` and \`${END}\` of this crontab do not pair: mend them by hand`,
    );
  }
  return [...lines.slice(0, begin), block, ...lines.slice(end + 1)].join('');
}
