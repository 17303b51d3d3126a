import type { Package } from '../model/site.js';

/** Words in front of a tool's argv where the scheduler sets neither niceness nor I/O class. */
export function niceness({ resources }: Pick<Package, 'resources'>): readonly string[] {
  return [...nice(resources), ...ionice(resources)];
}

/** ionice(1)'s numbers. */
const CLASSES = { realtime: 1, 'best-effort': 2, idle: 3 } as const;

function nice({ nice }: Package['resources']): string[] {
  return nice === 0 ? [] : ['nice', '-n', String(nice)];
}

function ionice({ io }: Package['resources']): string[] {
  return [
    'ionice',
    '-c',
    String(CLASSES[io.class]),
    ...(io.class === 'idle' ? [] : ['-n', String(io.level)]),
  ];
}
