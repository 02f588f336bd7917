import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLz4Block } from '../../../src/image/lz4-block.ts';

/** A plain encoder, after lz4_Block_format.md: the nearest earlier match of 4 bytes, if any. */
function encode(data: Uint8Array): Buffer {
  const out: number[] = [];
  const extended = (length: number) => {
    for (let rest = length - 15; rest >= 0; rest -= 255) out.push(Math.min(rest, 255));
  };
  const sequence = (literals: Uint8Array, match?: { distance: number; length: number }) => {
    const matchLength = match === undefined ? 0 : match.length - 4;
    out.push((Math.min(literals.length, 15) << 4) | Math.min(matchLength, 15));
    extended(literals.length);
    out.push(...literals);
    if (match === undefined) return;
    out.push(match.distance & 0xff, match.distance >> 8);
    extended(matchLength);
  };
  let anchor = 0;
  let at = 0;
  while (at + 12 < data.length) {
    let from = at - 1;
    while (from >= 0 && !(data[from] === data[at] && data.slice(from, from + 4).every((b, i) => b === data[at + i])))
      from--;
    if (from < 0) {
      at++;
      continue;
    }
    let length = 4;
    while (at + length < data.length - 5 && data[from + length] === data[at + length]) length++;
    sequence(data.subarray(anchor, at), { distance: at - from, length });
    at += length;
    anchor = at;
  }
  sequence(data.subarray(anchor));
  return Buffer.from(out);
}

const compressible = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 80 })), { maxLength: 12 })
  .map((runs) =>
    Buffer.concat(runs.map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)))),
  );

describe('decodeLz4Block', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(compressible, (data) => {
        const output = Buffer.alloc(data.length);
        expect(decodeLz4Block(encode(data), output)).toBe(data.length);
        expect(output.equals(data)).toBe(true);
      }),
    );
  });

  it('stops when the output is full, if asked to', () => {
    fc.assert(
      fc.property(compressible, fc.nat(), (data, cut) => {
        const output = Buffer.alloc(data.length === 0 ? 0 : cut % data.length);
        expect(decodeLz4Block(encode(data), output, true)).toBe(output.length);
        expect(output.equals(data.subarray(0, output.length))).toBe(true);
      }),
    );
  });

  it('refuses a block that does not fit, otherwise', () => {
    fc.assert(
      fc.property(compressible, (data) => {
        fc.pre(data.length > 0);
        expect(decodeLz4Block(encode(data), Buffer.alloc(data.length - 1))).toBe(-1);
      }),
    );
  });

  it('never writes outside, whatever comes in', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(500), fc.boolean(), (bytes, size, stop) => {
        const length = decodeLz4Block(bytes, new Uint8Array(size), stop);
        expect(length).toBeGreaterThanOrEqual(-1);
        expect(length).toBeLessThanOrEqual(size);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['nothing at all', []],
    ['literals cut off', [0x50, 1, 2]],
    ['a length cut off', [0xf0, 255]],
    ['a distance of zero', [0x10, 65, 0, 0, 0]],
    ['a distance before the start', [0x10, 65, 2, 0, 0]],
    ['a distance cut off', [0x10, 65, 1]],
    ['a match length cut off', [0x1f, 65, 1, 0]],
    ['a match at the end', [0x10, 65, 1, 0]],
  ])('refuses %s', (_name, bytes) => {
    expect(decodeLz4Block(Uint8Array.from(bytes), new Uint8Array(64))).toBe(-1);
  });

  it('repeats a byte by a match that overlaps itself', () => {
    const output = Buffer.alloc(10);
    expect(decodeLz4Block(Uint8Array.from([0x14, 65, 1, 0, 0x10, 66]), output)).toBe(10);
    expect(output.toString()).toBe('AAAAAAAAAB');
  });
});
