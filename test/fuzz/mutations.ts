/** Changes to valid samples, as values that fast-check can make smaller. */
import fc from 'fast-check';

/** One change; offsets are taken modulo the length of the sample. */
type Change =
  | { readonly kind: 'byte' | 'bit' | 'word16' | 'word32'; readonly at: number; readonly value: number }
  | { readonly kind: 'copy'; readonly at: number; readonly from: number; readonly length: number }
  | { readonly kind: 'fill'; readonly at: number; readonly length: number };

export interface Mutation {
  readonly changes: readonly Change[];
  /** The sample is cut off here, modulo its length; mostly it is not. */
  readonly cut: number | null;
}

/** Lengths and offsets that code is wrong about. */
const extremes = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

const offset = fc.nat({ max: 0x7fff_ffff });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('byte' as const), at: offset, value: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant('bit' as const), at: offset, value: fc.integer({ min: 0, max: 7 }) }),
  fc.record({ kind: fc.constant('word16' as const), at: offset, value: fc.integer({ min: 0, max: 0xffff }) }),
  fc.record({ kind: fc.constant('word32' as const), at: offset, value: fc.constantFrom(...extremes) }),
  fc.record({
    kind: fc.constant('copy' as const),
    at: offset,
    from: offset,
    length: fc.integer({ min: 1, max: 4096 }),
  }),
  fc.record({ kind: fc.constant('fill' as const), at: offset, length: fc.integer({ min: 1, max: 64 }) }),
);

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 5 }),
  cut: fc.option(offset, { freq: 9 }),
});

/** A changed copy of the sample. @param window the part of it in which changes begin; all of it by default */
export function mutated(sample: Uint8Array, { changes, cut }: Mutation, window = sample.length): Buffer {
  const bytes = Buffer.from(sample);
  if (bytes.length < 8) return bytes;
  for (const one of changes) {
    const at = one.at % Math.min(window, bytes.length - 4);
    switch (one.kind) {
      case 'byte':
        bytes[at] = one.value;
        break;
      case 'bit':
        bytes[at] = (bytes[at] ?? 0) ^ (1 << one.value);
        break;
      case 'word16':
        bytes.writeUInt16LE(one.value, at - (at % 2));
        break;
      case 'word32':
        bytes.writeUInt32LE(one.value, at - (at % 4));
        break;
      case 'copy': {
        const from = one.from % bytes.length;
        bytes.copyWithin(at, from, Math.min(from + one.length, bytes.length));
        break;
      }
      case 'fill':
        bytes.fill(0, at, Math.min(at + one.length, bytes.length));
    }
  }
  return cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
}

/** Text of the given pieces, with anything in between: what a grammar almost allows. */
export function textOf(pieces: readonly string[], maxLength = 40): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ maxLength: 4, unit: 'binary' }) },
  );
  return fc.array(piece, { maxLength }).map((parts) => parts.join(''));
}
