/** One Zstandard frame (RFC 8878), decoded by fzstd after the frame's claims were checked: fzstd trusts them. */
import { Decompress } from 'fzstd';

/** Bytes; the kernel's squashfs and EROFS drivers take no larger window (block size, Z_EROFS_ZSTD_MAX_DICT_SIZE). */
const maxWindow = 1024 * 1024;
const magic = 0xfd2fb528;

/**
 * Decodes the frame at the start of `input`; what follows the frame is ignored, as the kernel does. A content checksum
 * is not verified.
 * @throws Error when the frame is damaged, wants a larger window or a dictionary, or holds more than `maxOutput` bytes
 */
export function decodeZstdFrame(input: Uint8Array, maxOutput: number): Buffer {
  const frame = singleFrame(Buffer.from(input.buffer, input.byteOffset, input.byteLength), maxOutput);
  const parts: Uint8Array[] = [];
  let total = 0;
  const decoder = new Decompress((part) => {
    total += part.length;
    if (total > maxOutput) throw new Error(`longer than ${maxOutput} bytes`);
    parts.push(part);
  });
  decoder.push(frame, true);
  return Buffer.concat(parts, total);
}

/** The bytes of the first frame; fzstd would go on with whatever frames follow, and allocate the windows they name. */
function singleFrame(input: Buffer, maxOutput: number): Buffer {
  if (input.length < 6 || input.readUInt32LE(0) !== magic) throw new Error('no zstd frame');
  const descriptor = input.readUInt8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 3) !== 0) throw new Error('needs a dictionary');
  if ((descriptor & 8) !== 0) throw new Error('reserved bit set');
  let at = 5;
  if (!isSingleSegment) {
    const window = input.readUInt8(at++);
    const base = 2 ** (10 + (window >> 3));
    if (base + (base / 8) * (window & 7) > maxWindow) throw new Error(`window of more than ${maxWindow} bytes`);
  }
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  if (contentSizeBytes > 0) {
    if (at + contentSizeBytes > input.length) throw new Error('ended early');
    const size = contentSize(input, at, contentSizeBytes);
    if (size > maxOutput) throw new Error(`longer than ${maxOutput} bytes`);
    at += contentSizeBytes;
  }
  for (let isLast = false; !isLast; ) {
    if (at + 3 > input.length) throw new Error('ended early');
    const header = input.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    if (type === 3) throw new Error('reserved block type');
    isLast = (header & 1) !== 0;
    at += 3 + (type === 1 ? 1 : header >> 3);
  }
  if ((descriptor & 4) !== 0) at += 4;
  if (at > input.length) throw new Error('ended early');
  return input.subarray(0, at);
}

function contentSize(input: Buffer, at: number, bytes: number): number {
  if (bytes === 8) return Number(input.readBigUInt64LE(at));
  return input.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}
