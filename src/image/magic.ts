/** What bytes look like, for an error that says more than "not an image". */
import type { RandomAccess } from './random-access.ts';

/** Bytes looked at; btrfs keeps its superblock farthest from the start, at 64 KiB. */
const lookedAt = 66 * 1024;

interface Magic {
  readonly at: number;
  readonly bytes: string;
  readonly what: string;
}

/** File systems and containers that are legal in an extension image, but are not read here. */
const unreadable: readonly Magic[] = [
  { at: 0x438, bytes: '\x53\xef', what: 'an ext4 file system' },
  { at: 0x10040, bytes: '_BHRfS_M', what: 'a btrfs file system' },
  { at: 0, bytes: 'XFSB', what: 'an XFS file system' },
  { at: 0, bytes: 'LUKS\xba\xbe', what: 'LUKS encrypted data' },
  { at: 0, bytes: 'verity\0\0', what: 'dm-verity hashes' },
  { at: 54, bytes: 'FAT1', what: 'a FAT file system' },
  { at: 82, bytes: 'FAT32', what: 'a FAT file system' },
];

/** Downloads that went wrong, and images still to be unpacked. */
const mistaken: readonly Magic[] = [
  { at: 0, bytes: '\x1f\x8b', what: 'a gzip file' },
  { at: 0, bytes: '\xfd7zXZ\0', what: 'an xz file' },
  { at: 0, bytes: '\x28\xb5\x2f\xfd', what: 'a zstd file' },
  { at: 0, bytes: 'BZh', what: 'a bzip2 file' },
  { at: 0, bytes: '\x04\x22\x4d\x18', what: 'an lz4 file' },
  { at: 0, bytes: 'PK\x03\x04', what: 'a zip file' },
  { at: 257, bytes: 'ustar', what: 'a tar archive' },
  { at: 0, bytes: '\x7fELF', what: 'a program' },
  { at: 0, bytes: 'sqsh', what: 'a big-endian squashfs 3 image' },
];

/** A noun phrase for what the source holds; undefined when it cannot be told. */
export async function describeContent(source: RandomAccess): Promise<string | undefined> {
  if (source.size === 0) return 'an empty file';
  const bytes = await source.read(0, Math.min(source.size, lookedAt));
  const matches = ({ at, bytes: wanted }: Magic) => bytes.toString('latin1', at, at + wanted.length) === wanted;
  const found = unreadable.find(matches) ?? mistaken.find(matches);
  if (found !== undefined) return found.what;
  return describeText(bytes.subarray(0, 4096));
}

function describeText(bytes: Buffer): string | undefined {
  if (bytes.every((byte) => byte === 0)) return 'zeros';
  // A character may be cut in two at the end; anywhere else, the replacement character means that this is no text.
  const text = bytes.toString('utf8').replace(/\ufffd{1,3}$/, '');
  if (/^\s*(<!doctype html|<html|<head|<\?xml[^>]*>\s*<!doctype html)/i.test(text)) return 'an HTML page';
  if (/^\s*<\?xml|^\s*<Error>/i.test(text)) return 'an XML document';
  if (/^\s*[{[]\s*("|\}|\])/.test(text)) return 'a JSON document';
  if (/^version https:\/\/git-lfs/.test(text)) return 'a Git LFS pointer';
  return /^[\t\n\r\x20-\x7e\u00a0-\ufffc\u{10000}-\u{10ffff}]+$/u.test(text) ? 'text' : undefined;
}
