/** LZ4 block format, decoding only (lz4_Block_format.md of the LZ4 project). */

/** A match is at least this long; the token stores the rest. */
const minMatch = 4;

/**
 * Decodes one LZ4 block into `output`. With `stopWhenFull`, data beyond the output's end is left undecoded, which is no
 * error (EROFS stores extents that are used in part); without it, the block must end where its data ends.
 * @returns the number of bytes written, or -1 when the block is malformed or does not fit
 */
export function decodeLz4Block(input: Uint8Array, output: Uint8Array, stopWhenFull = false): number {
  let from = 0;
  let to = 0;

  // 255 means "more follows"; the length can grow to 255 times the input at most. NaN: the input ended too early.
  function extendedLength(nibble: number): number {
    let length = nibble;
    if (nibble !== 15) return length;
    for (;;) {
      const byte = input[from++];
      if (byte === undefined) return Number.NaN;
      length += byte;
      if (byte !== 255) return length;
    }
  }

  while (from < input.length) {
    const token = input[from++] ?? 0;
    const literals = extendedLength(token >> 4);
    if (Number.isNaN(literals) || literals > input.length - from) return -1;
    const room = output.length - to;
    if (literals > room && !stopWhenFull) return -1;
    const copied = Math.min(literals, room);
    output.set(input.subarray(from, from + copied), to);
    from += literals;
    to += copied;
    if (from === input.length || (stopWhenFull && to === output.length)) return to;

    if (input.length - from < 2) return -1;
    const distance = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8);
    from += 2;
    if (distance === 0 || distance > to) return -1;
    const match = extendedLength(token & 15) + minMatch;
    if (Number.isNaN(match) || (match > output.length - to && !stopWhenFull)) return -1;
    const end = Math.min(to + match, output.length);
    // Source and target may overlap (a distance of 1 repeats a byte), so bytes are copied one by one then.
    if (distance >= end - to) {
      output.copyWithin(to, to - distance, end - distance);
      to = end;
    } else {
      while (to < end) {
        output[to] = output[to - distance] ?? 0;
        to++;
      }
    }
    if (stopWhenFull && to === output.length) return to;
  }
  return -1;
}
