/** Other content than what is asked for. */
import { head, headOf, type Switch } from './switch.ts';

const page = '<!DOCTYPE html>\n<html><body>Please log in to the network of this hotel.</body></html>\n';

export const bodies: readonly Switch[] = [
  {
    name: 'page',
    does: 'answers 200 with a web page, as portals do; VALUE is the Content-Type it is said to be',
    values: ['text/html', 'application/octet-stream', ''],
    answer: ({ socket, value }) => {
      const type = value === '' ? [] : [`content-type: ${value}`];
      socket.end(head('HTTP/1.1 200 OK', [...type, `content-length: ${page.length}`, 'connection: close']) + page);
    },
  },
  {
    name: 'other-content',
    does: 'sends other bytes of the right length',
    answer: ({ socket, honest }) => {
      socket.write(headOf(honest));
      socket.end(Buffer.alloc(honest.body.length, 0x55));
    },
  },
  {
    name: 'flipped-bit',
    does: 'flips one bit in the middle of the body',
    answer: ({ socket, honest }) => {
      const body = Buffer.from(honest.body);
      const middle = Math.floor(body.length / 2);
      if (body.length > 0) body[middle] = (body[middle] ?? 0) ^ 1;
      socket.write(headOf(honest));
      socket.end(body);
    },
  },
  {
    name: 'empty',
    does: 'answers 200 with nothing',
    answer: ({ socket }) => socket.end(head('HTTP/1.1 200 OK', ['content-length: 0', 'connection: close'])),
  },
  {
    name: 'one-byte-more',
    does: 'sends one byte more, with the length that fits that',
    answer: ({ socket, file }) => {
      socket.write(head('HTTP/1.1 200 OK', [`content-length: ${file.length + 1}`, 'connection: close']));
      socket.end(Buffer.concat([file, Buffer.from([0])]));
    },
  },
  {
    name: 'size',
    number: 'H79',
    does: 'sends VALUE bytes in place of the file, with their length; `no-length` after a comma leaves that out',
    values: ['1048576', '1048577', '1048577,no-length', '3000000', '3000000,no-length'],
    answer: ({ socket, value }) => {
      const [size = '0', unsaid] = value.split(',');
      const lines = unsaid === undefined ? [`content-length: ${size}`] : [];
      socket.write(head('HTTP/1.1 200 OK', [...lines, 'connection: close']));
      socket.end(Buffer.alloc(Number(size), 0x55));
    },
  },
  {
    name: 'endless',
    number: 'H78',
    does: 'sends a body that does not end; VALUE `chunked` in chunks, `length` with a length of a TiB',
    values: ['plain', 'chunked', 'length'],
    answer: ({ socket, value, every }) => {
      const headers: Record<string, string> = {
        plain: 'connection: close',
        chunked: 'transfer-encoding: chunked',
        length: 'content-length: 1099511627776',
      };
      socket.write(head('HTTP/1.1 200 OK', [headers[value] ?? '']));
      const piece = Buffer.alloc(65_536, 0x55);
      const chunk = Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]);
      every(5, () => {
        if (socket.writableLength < 1_000_000) socket.write(value === 'chunked' ? chunk : piece);
      });
    },
  },
  {
    name: 'endless-chunk-extension',
    number: 'H78',
    does: 'sends a chunk whose extension does not end',
    answer: ({ socket, every }) => {
      socket.write(head('HTTP/1.1 200 OK', ['transfer-encoding: chunked']));
      socket.write('5;');
      every(5, () => void socket.write('x'.repeat(4096)));
    },
  },
  {
    name: 'endless-trailers',
    number: 'H78',
    does: 'sends the whole body in a chunk, and trailers that do not end',
    answer: ({ socket, honest, every }) => {
      socket.write(headOf(honest, { 'content-length': undefined, 'transfer-encoding': 'chunked' }));
      socket.write(`${honest.body.length.toString(16)}\r\n`);
      socket.write(honest.body);
      socket.write('\r\n0\r\n');
      every(5, () => void socket.write(`x-more: ${'x'.repeat(4000)}\r\n`));
    },
  },
];
