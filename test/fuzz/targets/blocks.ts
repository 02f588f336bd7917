/** Decoders of compressed blocks and payloads: at most the bytes that are allowed, or the documented error. */
import { deflateRawSync, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { decodeZstd } from '../../../src/archive/zstd.ts';
import { UnsuitableError } from '../../../src/errors.ts';
import { type Compressor, decompressBlock } from '../../../src/image/block-decompress.ts';
import { decodeLz4Block } from '../../../src/image/lz4-block.ts';
import { mutated, mutation } from '../mutations.ts';
import { ensure, type FuzzTarget, holds } from '../target.ts';

const text = Buffer.from(
  Array.from({ length: 40 }, (_, index) => `line ${index + 1} of a text that compresses\n`).join(''),
);
/** The text as `xz -9 --check=crc32`, `zstd -19 --stream-size=1351` and `lz4 -9` (the block alone) make it. */
const xz =
  '/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4AVGAHhdADYaSh8IoCuxbQad7+2MoT/IOM9thS+YBVT3V81fWtWhrZid1VDhQBrKaMhXghaSlWVW9J' +
  'PUZBE3mILQojZsubGZMG7po56J5Q9t+XWR5To4boFMLyU+BJ6BgQ+8SbqcIHWCs1D6m0aOOEe+ghnARgJZovqlvlbOfQD6XL4sAAGQAccKAABH' +
  'uF4FPjANiwIAAAAAAVla';
const zstd =
  'KLUv/WRHBB0DAMLEDxGwPewdD5alOoxyG0kpW2bXneFNIUO8Nwc3hQzx3hzaFDLEe3NgU8gQ7w1mmjPJ6CBaehZdWhPdswoub3qsBSioEaC7/2' +
  'fwNQMRNAT/7xBG+gGpPtSfjy8ErJSNkDWpAcGUKuU=';
const lz4 =
  '8RJsaW5lIDEgb2YgYSB0ZXh0IHRoYXQgY29tcHJlc3NlcwohAB8yIQANHzMhAA0fNCEADR81IQANHzYhAA0fNyEADR84IQANHzkhAA0vMTAiAA' +
  '4PTAEOHzFNAQ4fMU4BDh8xTwEOHzFQAQ4fMVEBDh8xUgEOHzFTAQ4fMVQBDh8yVAEOHzKgAg8PVAEOHzJUAQ4fMlQBDh8yVAEOHzJUAQ4fMlQB' +
  'Dh8yVAEOHzJUAQ4fM1QBDh8zVAEOHzP1Aw8PVAEOHzNUAQ4fM1QBDh8zVAEOHzNUAQ4fM1QBDh8zVAEOHzRUAQRQc3Nlcwo=';

const samples: Readonly<Record<Compressor, Buffer>> = {
  zlib: deflateSync(text),
  deflate: deflateRawSync(text),
  xz: Buffer.from(xz, 'base64'),
  zstd: Buffer.from(zstd, 'base64'),
  lz4: Buffer.from(lz4, 'base64'),
};
const compressors = Object.keys(samples) as Compressor[];
const place = { name: 'hostile.raw', what: 'a block' };
/** Smaller and larger than the text, and what a bomb would want. */
const limit = fc.constantFrom(0, 1, 100, text.length, text.length + 1, 65_536);

async function judge(compressor: Compressor, input: Uint8Array, maxOutput: number, partial: boolean): Promise<void> {
  try {
    const output = await decompressBlock(compressor, input, { maxOutput, partial }, place);
    ensure(output.length <= maxOutput, `${output.length} bytes where ${maxOutput} were allowed`);
  } catch (error) {
    if (!(error instanceof UnsuitableError)) throw error;
    ensure(/^hostile\.raw: [^\n]+$/.test(error.message), `not one line: ${error.message}`);
  }
}

export const blocks: FuzzTarget = {
  name: 'blocks',
  properties: [
    ...compressors.map((compressor) =>
      holds(
        `${compressor}, changed`,
        compressor === 'xz' ? 150 : 1000,
        fc.asyncProperty(mutation, limit, fc.boolean(), (changes, maxOutput, partial) =>
          judge(compressor, mutated(samples[compressor], changes), maxOutput, partial),
        ),
      ),
    ),
    holds(
      'any bytes',
      600,
      fc.asyncProperty(
        fc.constantFrom(...compressors.filter((one) => one !== 'xz')),
        fc.uint8Array({ maxLength: 300 }),
        limit,
        judgeWhole,
      ),
    ),
    holds(
      'what was compressed is the text again',
      20,
      fc.asyncProperty(fc.constantFrom(...compressors), async (compressor) => {
        const output = await decompressBlock(compressor, samples[compressor], { maxOutput: text.length }, place);
        ensure(output.equals(text), 'another text');
      }),
    ),
    holds(
      'an lz4 block of sequences',
      2000,
      fc.property(
        fc.array(sequence(), { maxLength: 12 }),
        fc.nat({ max: 400 }),
        fc.boolean(),
        (parts, room, partial) => {
          const output = new Uint8Array(room);
          const length = decodeLz4Block(Buffer.concat(parts), output, partial);
          ensure(length >= -1 && length <= room, `${length} bytes in room for ${room}`);
        },
      ),
    ),
    holds(
      'a zstd payload, changed',
      400,
      fc.asyncProperty(mutation, fc.nat({ max: 200 }), async (changes, cut) => {
        const input = mutated(samples.zstd, changes);
        let size = 0;
        try {
          for await (const piece of decodeZstd(pieces(input, cut))) size += piece.length;
        } catch (error) {
          ensure(error instanceof Error, 'not an Error');
        }
        ensure(size <= 8 * 1024 * 1024, `${size} bytes out of ${input.length}`);
      }),
    ),
  ],
};

function judgeWhole(compressor: Compressor, input: Uint8Array, maxOutput: number): Promise<void> {
  return judge(compressor, input, maxOutput, false);
}

/** A token, its literals and a distance, any of which may be wrong. */
function sequence(): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 20 }), fc.constantFrom(0, 1, 2, 8, 300))
    .map(([token, literals, distance]) => Buffer.from([token, ...literals, distance & 0xff, distance >> 8]));
}

async function* pieces(input: Buffer, cut: number): AsyncIterable<Uint8Array> {
  yield input.subarray(0, cut);
  yield input.subarray(cut);
}
