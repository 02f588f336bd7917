/** Sections of PE files (Microsoft's PE format specification), read as far as a unified kernel image needs. */
import { checkRange, unsuitable } from '../../image/part.ts';
import type { RandomAccess } from '../../image/random-access.ts';

const dosHeaderBytes = 64;
/** Signature and COFF header; the optional header follows, and then the section table. */
const peHeaderBytes = 24;
const sectionHeaderBytes = 40;
/** The limit of the specification and of systemd-boot. */
const maxSections = 96;
/** Bytes; what is wanted here is an os-release. */
const maxContentBytes = 64 * 1024;

/**
 * The content of the first section of a name: in a UKI with several profiles that is the base profile's.
 * @param name at most 8 bytes of ASCII, such as `.osrel`
 * @returns undefined when there is no such section
 * @throws UnsuitableError when it is no PE file or a damaged one, or the section has more than 64 KiB; StorageError when
 * reading fails
 */
export async function readPeSection(file: RandomAccess, name: string): Promise<Uint8Array | undefined> {
  const wanted = Buffer.alloc(8);
  wanted.write(name, 'latin1');
  const table = await readSectionTable(file);
  for (let at = 0; at < table.length; at += sectionHeaderBytes) {
    if (!table.subarray(at, at + wanted.length).equals(wanted)) continue;
    // Content that is shorter than its room in the file is padded there, and zeros follow where it is longer.
    const length = Math.min(table.readUInt32LE(at + 8), table.readUInt32LE(at + 16));
    if (length > maxContentBytes) throw unsuitable(file, `its section ${name} has ${length} bytes`);
    return readRange(file, table.readUInt32LE(at + 20), length);
  }
  return undefined;
}

async function readSectionTable(file: RandomAccess): Promise<Buffer> {
  if (file.size < dosHeaderBytes) throw unsuitable(file, 'not a PE file');
  const dosHeader = await readRange(file, 0, dosHeaderBytes);
  if (dosHeader.toString('latin1', 0, 2) !== 'MZ') throw unsuitable(file, 'not a PE file');
  const start = dosHeader.readUInt32LE(60);
  const header = await readRange(file, start, peHeaderBytes);
  if (header.toString('latin1', 0, 4) !== 'PE\0\0') throw unsuitable(file, 'not a PE file');
  const count = header.readUInt16LE(6);
  if (count > maxSections) throw unsuitable(file, `damaged: ${count} sections`);
  const optionalHeaderBytes = header.readUInt16LE(20);
  return readRange(file, start + peHeaderBytes + optionalHeaderBytes, count * sectionHeaderBytes);
}

function readRange(file: RandomAccess, offset: number, length: number): Promise<Buffer> {
  checkRange(file, offset, length);
  return file.read(offset, length);
}
