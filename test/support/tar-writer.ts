/** Tar archives made by hand, header by header: also those that no program would write. */

export interface Header {
  readonly name?: string | Uint8Array;
  /** Type flag: 0 file, 1 hard link, 2 symbolic link, 3 and 4 devices, 5 directory, 6 FIFO, and what else there is. */
  readonly type?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** The size field, where it is not the length of the data: a number, or the 12 bytes. */
  readonly size?: number | Uint8Array;
  readonly data?: string | Uint8Array;
  readonly magic?: string;
  /** The checksum field, where it is to be wrong. */
  readonly checksum?: string;
}

const BLOCK = 512;

/** The mark at the end of an archive. */
export const END = Buffer.alloc(2 * BLOCK);

/** One header block with its data. */
export function member(header: Header): Buffer {
  const {
    name = 'f',
    type = '0',
    link = '',
    mode = 0o644,
    uid = 0,
    gid = 0,
    mtime = 0,
    magic = 'ustar\x0000',
  } = header;
  const data = Buffer.from(header.data ?? '');
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  const put = (offset: number, value: string | Uint8Array) => Buffer.from(value).copy(block, offset);
  put(0, Buffer.from(name).subarray(0, 100));
  put(100, octal(mode, 7));
  put(108, octal(uid, 7));
  put(116, octal(gid, 7));
  const size = header.size ?? data.length;
  put(124, typeof size === 'number' ? octal(size, 11) : size);
  put(136, octal(mtime, 11));
  put(148, ' '.repeat(8));
  put(156, Buffer.from(type, 'latin1'));
  put(157, Buffer.from(link).subarray(0, 100));
  put(257, magic);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, header.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `);
  return Buffer.concat([block, padded(data)]);
}

/** An extended header of POSIX; `type` g is a global one. */
export function pax(records: Readonly<Record<string, string | Uint8Array>>, type = 'x'): Buffer {
  const data = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
    let length = rest.length;
    while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
    return Buffer.concat([Buffer.from(`${length}`), rest]);
  });
  return member({ name: 'PaxHeaders/x', type, data: Buffer.concat(data) });
}

/** A long name (`L`) or link target (`K`) in the form of GNU tar, for the next member. */
export function gnuLong(type: 'L' | 'K', value: string): Buffer {
  return member({ name: '././@LongLink', type, data: `${value}\0`, magic: 'ustar  \0' });
}

/** A sparse file of GNU's PAX format 1.0, of which all is a hole. */
export function hole(name: string, bytes: bigint): Buffer {
  const map = Buffer.alloc(BLOCK);
  map.write(`1\n${bytes}\n0\n`);
  const fields = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': name };
  return Buffer.concat([pax({ ...fields, 'GNU.sparse.realsize': `${bytes}` }), member({ name: 'hole', data: map })]);
}

/** Members and blocks, with the mark at the end. */
export function tarOf(...parts: readonly (Header | Buffer)[]): Buffer {
  return Buffer.concat([...parts.map((part) => (Buffer.isBuffer(part) ? part : member(part))), END]);
}

/** Data as a source of chunks, of which each is handed out in a turn of its own. */
export async function* chunksOf(data: Uint8Array, size = 64 * 1024): AsyncIterable<Uint8Array> {
  for (let at = 0; at < data.length; at += size) {
    await new Promise((resolve) => setImmediate(resolve));
    yield data.subarray(at, at + size);
  }
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)]);
}
