import { describe, expect, it } from 'vitest';
import { Hole, stencil } from '../../src/schedulers/systemd/stencil.js';
import { quotes, templates } from '../../src/schedulers/systemd/templates.js';

function timer(config: string, words: Readonly<Record<string, string | Hole>>): string {
  const { unit, description, calendar } = words;
  const view = { config, unit, description, calendar: [calendar] };
  return templates.timer({ ...view, boot: null, accuracy: '1s', deferReactivation: false });
}

describe('a stencil', () => {
  const holes = {
    unit: new Hole('unit'),
    description: new Hole('description'),
    calendar: new Hole('calendar'),
  };
  let rendered = 0;
  const form = stencil((shared: { readonly config: string }) => {
    rendered += 1;
    return timer(shared.config, holes);
  }, quotes);

  it('says what the template says, however hostile the words, and renders once for all that they share', () => {
    for (const config of ['/etc/a.json', '/etc/b.json'])
      for (const description of [
        'plain',
        '',
        '100 % \\',
        'line\nOnCalendar=*',
        '\0unit \0',
        '$&$1',
        '{{unit}}',
      ]) {
        const words = { unit: `${description.length}.timer`, description, calendar: 'daily' };
        expect(form({ config }, words)).toBe(timer(config, words));
      }
    expect(rendered).toBe(2);
  });

  it('never leaves a hole open', () => {
    expect(() => form({ config: '/etc/a.json' }, { unit: 'a.timer', calendar: 'daily' })).toThrow(
      'description',
    );
  });
});
