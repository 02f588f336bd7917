/** Makes small PE files, such as unified kernel images that carry an os-release; no firmware would start them. */

export interface PeSection {
  /** At most 8 bytes. */
  readonly name: string;
  readonly content: string | Uint8Array;
  /** Fields of the section header that shall not say the truth. */
  readonly virtualSize?: number;
  readonly rawSize?: number;
  readonly rawOffset?: number;
}

const PE_AT = 0x80;
const OPTIONAL_HEADER_BYTES = 240;
const ALIGNMENT = 512;

/** Place of the field NumberOfSections. */
export const SECTION_COUNT_AT = PE_AT + 6;
/** Place of the field SizeOfOptionalHeader. */
export const OPTIONAL_HEADER_SIZE_AT = PE_AT + 20;
/** Place of the DOS header's field that says where the PE header is. */
export const PE_OFFSET_AT = 60;

/** A PE32+ EFI application for x86-64 with the sections, their content aligned and padded as linkers do. */
export function writePe(sections: readonly PeSection[]): Buffer {
  const tableAt = PE_AT + 24 + OPTIONAL_HEADER_BYTES;
  const headers = Buffer.alloc(align(tableAt + sections.length * 40));
  headers.write('MZ', 0, 'latin1');
  headers.writeUInt32LE(PE_AT, PE_OFFSET_AT);
  headers.write('PE\0\0', PE_AT, 'latin1');
  headers.writeUInt16LE(0x8664, PE_AT + 4);
  headers.writeUInt16LE(sections.length, SECTION_COUNT_AT);
  headers.writeUInt16LE(OPTIONAL_HEADER_BYTES, OPTIONAL_HEADER_SIZE_AT);
  headers.writeUInt16LE(0x20b, PE_AT + 24);
  headers.writeUInt16LE(10, PE_AT + 24 + 68);

  const parts = [headers];
  let at = headers.length;
  sections.forEach((section, index) => {
    const content = Buffer.from(section.content);
    const padded = Buffer.alloc(align(content.length));
    content.copy(padded);
    const header = headers.subarray(tableAt + index * 40);
    header.write(section.name, 0, 8, 'latin1');
    header.writeUInt32LE(section.virtualSize ?? content.length, 8);
    header.writeUInt32LE(at, 12);
    header.writeUInt32LE(section.rawSize ?? padded.length, 16);
    header.writeUInt32LE(section.rawOffset ?? at, 20);
    parts.push(padded);
    at += padded.length;
  });
  return Buffer.concat(parts);
}

/** A UKI: what a stub would need, and the os-release. */
export function writeUki(osRelease: string): Buffer {
  return writePe([
    { name: '.text', content: 'stub' },
    { name: '.osrel', content: osRelease },
    { name: '.cmdline', content: 'quiet' },
    { name: '.linux', content: 'kernel' },
  ]);
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
