/** Answers that break off. */
import { type Exchange, head, headOf, reset, type Switch } from './switch.ts';

/** A number of bytes, or `half`, of a body. */
function place({ value, honest }: Exchange): number {
  return value === 'half' ? Math.floor(honest.body.length / 2) : Math.min(Number(value), honest.body.length - 1);
}

function cut(exchange: Exchange, end: (exchange: Exchange) => void): void {
  const { socket, honest } = exchange;
  socket.write(headOf(honest));
  socket.write(honest.body.subarray(0, place(exchange)), () => end(exchange));
}

function cutChunked(exchange: Exchange, tail: string): void {
  const { socket, honest } = exchange;
  const headers = headOf(honest, { 'content-length': undefined, 'transfer-encoding': 'chunked' });
  const body = honest.body;
  socket.write(`${headers}${body.length.toString(16)}\r\n`);
  socket.write(body);
  socket.end(tail);
}

export const cuts: readonly Switch[] = [
  {
    name: 'cut',
    does: 'ends the connection (FIN) after VALUE bytes of the body, or half of it',
    values: ['half', '0', '1'],
    answer: (exchange) => cut(exchange, ({ socket }) => socket.end()),
  },
  {
    name: 'cut-reset',
    does: 'breaks the connection (RST) after VALUE bytes of the body, or half of it',
    values: ['half', '1'],
    answer: (exchange) => cut(exchange, ({ socket }) => reset(socket)),
  },
  {
    name: 'cut-last-byte',
    does: 'ends the connection one byte before the end of the body',
    answer: ({ socket, honest }) => {
      socket.write(headOf(honest));
      socket.end(honest.body.subarray(0, -1));
    },
  },
  {
    name: 'cut-once',
    does: 'ends the connection in the middle of the first body, and is honest afterwards',
    answer: (exchange) => {
      if (exchange.turn > 0) exchange.serve();
      else cut({ ...exchange, value: 'half' }, ({ socket }) => socket.end());
    },
  },
  {
    name: 'cut-before-answer',
    does: 'ends the connection without an answer',
    answer: ({ socket }) => socket.end(),
  },
  {
    name: 'reset-before-answer',
    does: 'breaks the connection (RST) without an answer',
    answer: ({ socket }) => reset(socket),
  },
  {
    name: 'cut-in-headers',
    does: 'ends the connection in the middle of the headers',
    answer: ({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-le'),
  },
  {
    name: 'cut-before-last-chunk',
    number: 'H59',
    does: 'sends the body chunked, whole, and ends the connection before the last chunk',
    answer: (exchange) => cutChunked(exchange, '\r\n'),
  },
  {
    name: 'cut-in-chunk',
    number: 'H59',
    does: 'ends the connection in the middle of a chunk',
    answer: ({ socket, honest }) => {
      const headers = headOf(honest, { 'content-length': undefined, 'transfer-encoding': 'chunked' });
      socket.write(`${headers}${(honest.body.length * 2).toString(16)}\r\n`);
      socket.end(honest.body);
    },
  },
  {
    name: 'chunk-size',
    number: 'H59',
    does: 'sends VALUE as the size of a chunk',
    values: ['zz', 'ffffffffffffffff', '-5', '7fffffffffffffff0'],
    answer: ({ socket, honest, value }) => {
      socket.write(headOf(honest, { 'content-length': undefined, 'transfer-encoding': 'chunked' }));
      socket.write(`${value}\r\n`);
      socket.end(honest.body);
    },
  },
  {
    name: 'until-closed',
    does: 'HTTP/1.0 without a length: the body ends where the connection does; VALUE `half` cuts it, and nobody can tell',
    values: ['whole', 'half'],
    answer: ({ socket, honest, value }) => {
      socket.write(head('HTTP/1.0 200 OK', ['content-type: application/octet-stream']));
      socket.end(value === 'half' ? honest.body.subarray(0, honest.body.length / 2) : honest.body);
    },
  },
];
