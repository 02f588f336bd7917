import { expect, it } from 'vitest';
import { lineSplitter } from '../../../src/archive/lines.ts';

it('lines come whole, however the text is cut', () => {
  const text = 'one\n\ntwo, longer\nthree\nrest';
  for (let size = 1; size <= text.length; size++) {
    const split = lineSplitter(100);
    const lines = [];
    for (let at = 0; at < text.length; at += size) lines.push(...split(text.slice(at, at + size)));
    expect(lines).toEqual(['one', '', 'two, longer', 'three']);
  }
});

it('a line without an end is cut off, in pieces or at once', () => {
  const split = lineSplitter(5);
  for (let count = 0; count < 1000; count++) expect(split('aaaaaaaaaa')).toEqual([]);
  expect(split('\nbbbbbbbbbb\nc\n')).toEqual(['aaaaa', 'bbbbb', 'c']);
});
