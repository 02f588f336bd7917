/** Answers that do not come, or come too slowly. */
import { type Exchange, headOf, type Switch } from './switch.ts';

/** Sends bytes at so many a second, in pieces no smaller than one byte. */
function drip({ every, socket }: Exchange, bytes: Buffer | string, perSecond: number): void {
  const all = Buffer.from(bytes);
  const steps = Math.min(perSecond, 10);
  let sent = 0;
  every(1000 / steps, () => {
    const next = Math.min(sent + Math.ceil(perSecond / steps), all.length);
    if (next > sent) socket.write(all.subarray(sent, next));
    else socket.end();
    sent = next;
  });
}

export const pace: readonly Switch[] = [
  { name: 'stall', does: 'takes the request and never answers', answer: () => {} },
  {
    name: 'stall-in-headers',
    does: 'falls silent in the middle of the headers',
    answer: ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10'),
  },
  {
    name: 'stall-in-body',
    does: 'falls silent after VALUE bytes of the body',
    values: ['100', '0'],
    answer: ({ socket, honest, value }) => {
      socket.write(headOf(honest));
      socket.write(honest.body.subarray(0, Number(value)));
    },
  },
  {
    name: 'stall-before-end',
    does: 'sends the whole body chunked, and falls silent before the last chunk',
    answer: ({ socket, honest }) => {
      socket.write(headOf(honest, { 'content-length': undefined, 'transfer-encoding': 'chunked' }));
      socket.write(`${honest.body.length.toString(16)}\r\n`);
      socket.write(honest.body);
      socket.write('\r\n');
    },
  },
  {
    name: 'stall-once',
    does: 'falls silent in the first body, and is honest afterwards',
    answer: ({ turn, serve, socket, honest }) => {
      if (turn > 0) serve();
      else {
        socket.write(headOf(honest));
        socket.write(honest.body.subarray(0, 1));
      }
    },
  },
  {
    name: 'delay',
    number: 'H75',
    does: 'answers honestly, VALUE milliseconds late',
    values: ['300'],
    answer: ({ value, serve, every }) => {
      let served = false;
      every(Number(value), () => {
        if (!served) serve();
        served = true;
      });
    },
  },
  {
    name: 'drip',
    number: 'H76',
    does: 'sends the body at VALUE bytes a second',
    values: ['1', '31', '900'],
    answer: (exchange) => {
      exchange.socket.write(headOf(exchange.honest));
      drip(exchange, exchange.honest.body, Number(exchange.value));
    },
  },
  {
    name: 'drip-chunks',
    number: 'H76',
    does: 'sends the body in chunks of one byte, ten a second',
    answer: ({ socket, honest, every }) => {
      socket.write(headOf(honest, { 'content-length': undefined, 'transfer-encoding': 'chunked' }));
      let sent = 0;
      every(100, () => {
        socket.write('1\r\n');
        socket.write(honest.body.subarray(sent, sent + 1));
        socket.write('\r\n');
        sent += 1;
      });
    },
  },
  {
    name: 'drip-headers',
    number: 'H76',
    does: 'sends the headers at VALUE bytes a second',
    values: ['5'],
    answer: (exchange) =>
      drip(exchange, headOf(exchange.honest, { 'x-more': 'x'.repeat(10_000) }), Number(exchange.value)),
  },
  {
    name: 'interim',
    number: 'H72',
    does: 'sends VALUE interim answers (103) before the honest one',
    values: ['2', '100'],
    answer: ({ socket, honest, value }) => {
      for (let count = 0; count < Number(value); count++) socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');
      socket.write(headOf(honest));
      socket.end(honest.body);
    },
  },
  {
    name: 'interim-endless',
    number: 'H76',
    does: 'sends interim answers for ever, five a second',
    answer: ({ socket, every }) => every(200, () => void socket.write('HTTP/1.1 103 Early Hints\r\n\r\n')),
  },
  {
    name: 'answer-continue',
    number: 'H72',
    does: 'answers `100 Continue`, which nobody has asked for',
    answer: ({ socket, honest }) => {
      socket.write(`HTTP/1.1 100 Continue\r\n\r\n${headOf(honest)}`);
      socket.end(honest.body);
    },
  },
];
