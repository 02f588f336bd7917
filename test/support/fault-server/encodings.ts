/** Bodies that are not the bytes of the file. */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { headOf, type Switch } from './switch.ts';

const encoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  // Little that would become 8 MiB.
  bomb: () => (bomb ??= gzipSync(Buffer.alloc(8 * 1024 * 1024), { level: 1 })),
};
let bomb: Buffer | undefined;

export const encodings: readonly Switch[] = [
  {
    name: 'encoding',
    does: 'compresses the body and says so: VALUE is gzip, deflate, br, or bomb (gzip of 8 MiB of zeros)',
    values: ['gzip', 'deflate', 'br', 'bomb'],
    answer: ({ socket, honest, value, file }) => {
      const body = encoders[value]?.(file) ?? file;
      const encoding = value === 'bomb' ? 'gzip' : value;
      const answer = { ...honest, status: 200 };
      socket.write(
        headOf(answer, { 'content-encoding': encoding, 'content-length': body.length, 'content-range': undefined }),
      );
      socket.end(body);
    },
  },
  {
    name: 'encoding-lie',
    does: 'says Content-Encoding: VALUE, and sends the file as it is',
    values: ['gzip', 'x-unknown', 'identity', 'gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip'],
    answer: ({ socket, honest, value }) => {
      socket.write(headOf(honest, { 'content-encoding': value }));
      socket.end(honest.body);
    },
  },
  {
    name: 'transfer-encoding',
    does: 'says Transfer-Encoding: VALUE, and sends the file as it is',
    values: ['gzip', 'gzip, chunked', 'x-unknown', 'chunked, chunked'],
    answer: ({ socket, honest, value }) => {
      socket.write(headOf(honest, { 'content-length': undefined, 'transfer-encoding': value }));
      socket.end(honest.body);
    },
  },
];
