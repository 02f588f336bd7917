import { describe, expect, it } from 'vitest';
import { pagersOf } from '../../../src/cli/pager.ts';
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

describe('the pager', () => {
  it.each([
    ['less, then more, where nothing is said', {}, [['less'], ['more']]],
    ['PAGER', { PAGER: 'less -S' }, [['less', '-S']]],
    ['SYSTEMD_PAGER before it', { PAGER: 'less', SYSTEMD_PAGER: 'most' }, [['most']]],
    ['none for cat', { PAGER: 'cat' }, []],
    ['none for an empty SYSTEMD_PAGER', { PAGER: 'less', SYSTEMD_PAGER: '' }, []],
  ])('is %s', (_, environment, expected) => {
    expect(pagersOf(environment)).toEqual(expected);
  });
});
