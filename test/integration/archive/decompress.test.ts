import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readPayload } from '../../../src/archive/payload.ts';
import { UnsuitableError } from '../../../src/errors.ts';
import { type Compression, detectCompression } from '../../../src/image/compression.ts';
import { compressions, pack, someData } from '../../support/pack.ts';
import { chunksOf } from '../../support/tar-writer.ts';

const data = someData(300_000);
const packed = new Map(compressions.map((compression) => [compression, pack(compression, data)]));
const junk = Buffer.from('trailing junk, and more of it than one chunk has. '.repeat(5000));

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What comes out of published bytes, as it is installed; in chunks of a size that fits nothing. */
async function unpack(published: Uint8Array, maxBytes = 10_000_000): Promise<Buffer> {
  const open = () => chunksOf(published, 7919);
  return (await readPayload({ name: 'x', open, maxBytes }, collect)).result;
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 4;
  return copy;
}

describe.each(compressions)('%s', (compression) => {
  const bytes = packed.get(compression) ?? Buffer.alloc(0);

  it('is unpacked, in chunks of any size', async () => {
    expect(detectCompression(bytes)).toBe(compression);
    expect((await unpack(bytes)).equals(data)).toBe(true);
    const open = () => chunksOf(bytes.subarray(0), 3);
    expect((await readPayload({ name: 'x', open, maxBytes: 1e9 }, collect)).result.equals(data)).toBe(true);
  });

  it('several in a row are one', async () => {
    expect((await unpack(Buffer.concat([bytes, bytes, bytes]))).equals(Buffer.concat([data, data, data]))).toBe(true);
  });

  it('of nothing is nothing', async () => {
    expect(await unpack(pack(compression, Buffer.alloc(0)))).toHaveLength(0);
  });

  it.each([1, 20, 100_000])('without its last %i bytes is refused', async (missing) => {
    await expect(unpack(bytes.subarray(0, -missing))).rejects.toThrow(UnsuitableError);
  });

  it('cut off after its magic is refused', async () => {
    await expect(unpack(bytes.subarray(0, compression === 'gzip' ? 2 : 6))).rejects.toThrow(UnsuitableError);
  });

  it('with a second one that is cut off is refused', async () => {
    await expect(unpack(Buffer.concat([bytes, bytes.subarray(0, -20)]))).rejects.toThrow(UnsuitableError);
  });

  it('with a changed bit is refused, or is other data for all to see', async () => {
    const found = await unpack(flipped(bytes)).catch((error: unknown) => error);
    if (compression === 'zstd' && Buffer.isBuffer(found)) expect(found.equals(data)).toBe(false);
    else expect(found).toBeInstanceOf(UnsuitableError);
  });

  it.each([
    ['junk', junk],
    ['a few bytes', junk.subarray(0, 3)],
    ['zeros and then junk', Buffer.concat([Buffer.alloc(300_000), junk])],
  ])('followed by %s is refused', async (_, rest) => {
    await expect(unpack(Buffer.concat([bytes, rest]))).rejects.toThrow(UnsuitableError);
  });

  it('a reader that stops early leaves nothing running', async () => {
    let closed = 0;
    async function* open(): AsyncIterable<Uint8Array> {
      try {
        for (;;) yield* chunksOf(bytes);
      } finally {
        closed += 1;
      }
    }
    const stop = async (content: AsyncIterable<Uint8Array>) => {
      for await (const chunk of content) return chunk.length;
      return 0;
    };
    // The rest of endless data is not waited for: its reader fails.
    const fail = async (content: AsyncIterable<Uint8Array>) => {
      await stop(content);
      throw new Error('enough');
    };
    await expect(readPayload({ name: 'x', open, maxBytes: 1e12 }, fail)).rejects.toThrow('enough');
    await vi.waitFor(() => expect(closed).toBe(2));
  });

  it('an error of the source is that error, with no other decoder tried', async () => {
    let opened = 0;
    async function* open(): AsyncIterable<Uint8Array> {
      opened += 1;
      yield bytes.subarray(0, 1000);
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
    }
    await expect(readPayload({ name: 'x', open, maxBytes: 1e9 }, collect)).rejects.toMatchObject({ code: 'EIO' });
    expect(opened).toBe(2);
  });

  it('an abort ends it while the source owes a chunk', async () => {
    const controller = new AbortController();
    const open = () => {
      const first = [bytes.subarray(0, 1000)];
      const next = async () => {
        const value = first.shift();
        if (value !== undefined) return { done: false, value };
        setImmediate(() => controller.abort(new Error('stop')));
        return new Promise<never>(() => {});
      };
      return { [Symbol.asyncIterator]: () => ({ next }) };
    };
    const read = readPayload({ name: 'x', open, maxBytes: 1e9, signal: controller.signal }, collect);
    await expect(read).rejects.toThrow('stop');
  });
});

describe('a program that unpacks', () => {
  const missing = async (compression: Compression, published: Buffer) => {
    const empty = mkdtempSync(join(tmpdir(), 'extupdate-path-'));
    vi.stubEnv('PATH', empty);
    try {
      return await unpack(published).catch((error: unknown) => error);
    } finally {
      rmSync(empty, { recursive: true });
      expect(detectCompression(published)).toBe(compression);
    }
  };

  it.each(['bzip2', 'lz4'] as const)('that is missing is named: %s', async (compression) => {
    const error = await missing(compression, packed.get(compression) ?? Buffer.alloc(0));
    expect(error).toBeInstanceOf(UnsuitableError);
    expect(error).toMatchObject({
      message: `compressed with ${compression}, and the program ${compression} is not installed`,
      next: expect.stringContaining(`install the package ${compression}`),
    });
  });

  it('xz is only needed for what the library does not know', async () => {
    const filtered = pack('xz', data, '--x86', '--lzma2');
    expect(await missing('xz', packed.get('xz') ?? Buffer.alloc(0))).toEqual(data);
    vi.unstubAllEnvs();
    expect((await unpack(filtered)).equals(data)).toBe(true);
    expect(await missing('xz', filtered)).toMatchObject({ next: expect.stringContaining('install xz') });
  });

  it('that is killed is a failure of the machine, not of the data, however much it has unpacked', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'extupdate-path-'));
    try {
      writeFileSync(join(directory, 'lz4'), '#!/bin/sh\necho some of it\nkill -KILL $$\n');
      chmodSync(join(directory, 'lz4'), 0o755);
      vi.stubEnv('PATH', directory);
      const unpacked = unpack(packed.get('lz4') ?? Buffer.alloc(0));
      await expect(unpacked).rejects.toMatchObject({ code: 'storage', message: 'lz4 was killed (SIGKILL)' });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('what is no compressed data', () => {
  it.each([
    ['nothing', ''],
    ['one byte of a magic', '\x1f'],
    ['text', 'BZ'],
  ])('%s is taken as it is', async (_, text) => {
    expect((await unpack(Buffer.from(text, 'latin1'))).toString('latin1')).toBe(text);
  });
});

it('data that unpacks to more than the cap is refused before it is all unpacked', async () => {
  const bomb = pack('gzip', Buffer.alloc(50_000_000));
  let seen = 0;
  const count = async (bytes: AsyncIterable<Uint8Array>) => {
    for await (const chunk of bytes) seen += chunk.length;
  };
  const open = () => chunksOf(bomb);
  await expect(readPayload({ name: 'x.gz', open, maxBytes: 1_000_000 }, count)).rejects.toMatchObject({
    code: 'policy',
    message: 'x.gz: larger than MaxImageSize= (1000000 bytes) when unpacked',
  });
  expect(seen).toBeLessThanOrEqual(1_000_000);
});

it('zeros after gzip data are padding', async () => {
  expect((await unpack(Buffer.concat([packed.get('gzip') ?? data, Buffer.alloc(300_000)]))).equals(data)).toBe(true);
});

it('a zstd window of gigabytes is refused', async () => {
  const wide = pack('zstd', data);
  // The window descriptor (RFC 8878, 3.1.1.1.2): an exponent of 20 above 2^10.
  wide[5] = 20 << 3;
  await expect(unpack(wide)).rejects.toThrow('zstd window of 2^30 bytes');
});
