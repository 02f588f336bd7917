import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Payload, readPayload, readPayloadAgain } from '../../../src/archive/payload.ts';
import { TrustError, UnsuitableError } from '../../../src/errors.ts';
import { pack, someData } from '../../support/pack.ts';
import { chunksOf } from '../../support/tar-writer.ts';

const directory = mkdtempSync(join(tmpdir(), 'extupdate-payload-'));
afterAll(() => rmSync(directory, { recursive: true }));

const data = someData(5 * 1024 * 1024 + 77);
const packed = pack('gzip', data);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const payload = (bytes: Uint8Array, extra: Partial<Payload> = {}): Payload => ({
  name: 'x.gz',
  open: () => chunksOf(bytes, 10_007),
  maxBytes: 1e9,
  ...extra,
});

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('the promised hash', () => {
  it.each([
    ['plain', data],
    ['compressed', packed],
    ['padded', Buffer.concat([packed, Buffer.alloc(1_000_000)])],
  ])('is that of all published bytes: %s', async (_, bytes) => {
    const { result, trail } = await readPayload(payload(bytes, { sha256: sha256(bytes) }), collect);
    expect(result.equals(data)).toBe(true);
    expect(trail.sha256).toBe(sha256(bytes));
  });

  it('is compared when all has been read', async () => {
    await expect(readPayload(payload(packed, { sha256: '0'.repeat(64) }), collect)).rejects.toThrow(
      new TrustError(`x.gz: hash mismatch: expected ${'0'.repeat(64)}, got ${sha256(packed)}`),
    );
  });

  it('comes before what is wrong with other bytes than the promised ones', async () => {
    const cut = packed.subarray(0, -1000);
    await expect(readPayload(payload(cut, { sha256: sha256(packed) }), collect)).rejects.toThrow(TrustError);
    await expect(readPayload(payload(cut, { sha256: sha256(cut) }), collect)).rejects.toThrow(UnsuitableError);
    const refuse = async () => {
      throw new UnsuitableError('refused');
    };
    await expect(readPayload(payload(data, { sha256: sha256(packed) }), refuse)).rejects.toThrow(TrustError);
    await expect(readPayload(payload(data, { sha256: sha256(data) }), refuse)).rejects.toThrow('refused');
  });

  it('is that of the bytes that were unpacked, though the file changes meanwhile', async () => {
    const path = join(directory, 'changed');
    writeFileSync(path, data);
    const swap = async (bytes: AsyncIterable<Uint8Array>) => {
      const chunks = [];
      for await (const chunk of bytes) {
        // The end of the file, which is not read yet; and nobody reads it a second time.
        if (chunks.length === 0) writeFileSync(path, 'evil', { flag: 'r+', flush: true });
        if (chunks.length === 0) writeFileSync(path, Buffer.concat([data.subarray(0, -4), Buffer.from('evil')]));
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    };
    const open = () => createReadStream(path);
    const read = readPayload({ name: 'x', open, maxBytes: 1e9, sha256: sha256(data) }, swap);
    await expect(read).rejects.toThrow(TrustError);
  });
});

describe('a second reading', () => {
  const changes: [string, (bytes: Buffer) => Buffer][] = [
    ['changed at its start', (bytes) => Buffer.concat([Buffer.from([bytes[0] ?? 0, 0x8b, 8, 1]), bytes.subarray(4)])],
    ['changed in its middle', (bytes) => Buffer.from(bytes).fill(0, 2_500_000, 2_500_010)],
    ['changed at its end', (bytes) => Buffer.from(bytes).fill(0, bytes.length - 3)],
    ['cut off', (bytes) => bytes.subarray(0, 2 * 1024 * 1024)],
    ['longer', (bytes) => Buffer.concat([bytes, Buffer.from('more')])],
    ['much longer', (bytes) => Buffer.concat([bytes, bytes])],
    ['empty', () => Buffer.alloc(0)],
  ];

  it.each([
    ['plain', data],
    ['compressed', packed],
  ])('gives the same bytes: %s', async (_, bytes) => {
    const first = await readPayload(payload(bytes), collect);
    const again = await readPayloadAgain(payload(bytes, { open: () => chunksOf(bytes, 333_333) }), first, collect);
    expect(again.equals(data)).toBe(true);
  });

  it.each(changes)('hands out nothing that was not there before: %s', async (_, change) => {
    const first = await readPayload(payload(data), collect);
    const changed = change(data);
    const seen: Uint8Array[] = [];
    const watch = async (bytes: AsyncIterable<Uint8Array>) => {
      for await (const chunk of bytes) seen.push(chunk);
    };
    await expect(readPayloadAgain(payload(changed), first, watch)).rejects.toEqual(
      expect.objectContaining({
        code: 'trust',
        message: `x.gz: hash mismatch: expected ${sha256(data)}, got ${sha256(changed)}`,
      }),
    );
    const handedOut = Buffer.concat(seen);
    expect(handedOut.equals(data.subarray(0, handedOut.length))).toBe(true);
    expect(handedOut.length).toBeLessThan(data.length);
  });

  it.each(changes)('of a compressed payload is told as changed, not as damaged: %s', async (_, change) => {
    const first = await readPayload(payload(packed), collect);
    await expect(readPayloadAgain(payload(change(packed)), first, collect)).rejects.toThrow(TrustError);
  });
});

it('a file that cannot be opened is that error, and crashes nothing', async () => {
  const open = () => createReadStream(join(directory, 'not-there'));
  await expect(readPayload({ name: 'x', open, maxBytes: 1 }, collect)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('a consumer that never reads leaves nothing open', async () => {
  let opened = 0;
  const open = () => {
    opened += 1;
    return chunksOf(data);
  };
  const refuse = async () => {
    throw new Error('no');
  };
  await expect(readPayload(payload(data, { open }), refuse)).rejects.toThrow('no');
  expect(opened).toBe(1);
});
