import { execFileSync } from 'node:child_process';

/**
 * Elapses that systemd itself finds for OnCalendar= expressions after `base` (epoch ms): one list for each expression.
 * All end in `zone`, which is handed over by TZ: systemd forks for every elapse of an expression that names another one.
 */
export function elapses(
  expressions: readonly string[],
  zone: string,
  base: number,
  iterations: number,
): number[][] {
  const local = expressions.map((expression) => {
    if (!expression.endsWith(` ${zone}`)) throw new Error(`${expression} is not in ${zone}`);
    return expression.slice(0, -zone.length - 1);
  });
  const output = execFileSync(
    'systemd-analyze',
    ['calendar', `--iterations=${iterations}`, `--base-time=${stamp(base)} UTC`, ...local],
    { encoding: 'utf8', env: { ...process.env, TZ: zone }, maxBuffer: 1 << 28 },
  );
  const line =
    zone === 'UTC' ? /(?:Next elapse|Iter\. #\d+): \w+ (\S+) (\S+) UTC/g : /\(in UTC\): \w+ (\S+) (\S+) UTC/g;
  return output
    .trim()
    .split('\n\n')
    .map((block) =>
      [...block.matchAll(line)].map(([, day, time]) => Date.parse(`${day ?? ''}T${time ?? ''}Z`)),
    );
}

/** One timer's elapses: the union of its lines, as far as every line is known. */
export function union(
  lists: readonly (readonly number[])[],
  iterations: number,
): { times: number[]; until: number } {
  const ends = lists.map((list) => (list.length < iterations ? Infinity : (list.at(-1) ?? Infinity)));
  const until = Math.min(...ends);
  const times = [...new Set(lists.flat())].filter((time) => time <= until).sort((a, b) => a - b);
  return { times, until };
}

function stamp(time: number): string {
  return new Date(time).toISOString().replace('T', ' ').slice(0, 19);
}
