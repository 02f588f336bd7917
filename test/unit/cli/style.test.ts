import { describe, expect, it } from 'vitest';
import { showsStyles, styleTables } from '../../../src/cli/style.ts';

describe('styles', () => {
  it.each([
    ['a terminal', true, { TERM: 'xterm' }, true],
    ['a pipe', false, { TERM: 'xterm' }, false],
    ['NO_COLOR', true, { TERM: 'xterm', NO_COLOR: '1' }, false],
    ['NO_COLOR, which counts when it is not empty', true, { TERM: 'xterm', NO_COLOR: '' }, true],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
  ])('%s', (_, isTTY, environment, shown) => {
    expect(showsStyles({ isTTY }, environment)).toBe(shown);
  });

  it('are for headers, and for nothing that looks a little like one', () => {
    const text = 'COMPONENT  VERSION\nDOCKER     28\nA\nSTATUS of  this\n\nUNIT       SHA256';
    const on = '\u001b[4m';
    const off = '\u001b[24m';
    expect(styleTables(text)).toBe(
      `${on}COMPONENT  VERSION${off}\n${on}DOCKER     28${off}\nA\nSTATUS of  this\n\n${on}UNIT       SHA256${off}`,
    );
  });
});
