import { describe, expect, it } from 'vitest';
import { leadingOperator } from '../../../src/definition/comparison.ts';
import { allWords, firstWord, WordError } from '../../../src/definition/words.ts';

describe('words', () => {
  it.each([
    ['', []],
    ['  a  b ', ['a', 'b']],
    ['"a b" c', ['a b', 'c']],
    [`a'b "c'd`, ['ab "cd']],
    ['a\\ b \\"', ['a b', '"']],
    ['""', ['']],
  ])('%j, unquoted: %j', (text, words) => {
    expect([...allWords(text, { unquote: true })]).toEqual(words);
  });

  it('keep their quotes where they are not unquoted', () => {
    expect(firstWord('"a b"')).toEqual({ word: '"a', rest: 'b"' });
  });

  it.each(['"a', "b 'c", 'a\\'])('%j is no list of words', (text) => {
    expect(() => [...allWords(text, { unquote: true })]).toThrow(WordError);
  });

  it('of a kernel command line are taken as they stand', () => {
    expect([...allWords('a="b c" d\\ "e', { unquote: true, relax: true })]).toEqual(['a=b c', 'd\\', 'e']);
  });
});

describe('operators', () => {
  it.each([
    ['$=1*', '1.5', true],
    ['!$=1*', '1.5', false],
    ['<>1.0', '1.00', false],
    ['<=2', '2', true],
    ['>=2', '1.9', false],
    ['<10', '9', true],
    ['>10', '9', false],
    ['==1.0', '1.00', true],
    ['=1.0', '1.00', false],
    ['!=1.0', '1.00', true],
  ])('%s of %s: %s', (text, actual, expected) => {
    const operator = leadingOperator(text);
    expect(operator?.holds(actual, operator.rest)).toBe(expected);
  });

  it.each(['', '1', '!1', 'x=1'])('%j begins with none', (text) => {
    expect(leadingOperator(text)).toBeUndefined();
  });
});
