/** Answers without the file. */
import { head, type Switch } from './switch.ts';

const codes =
  '500 503 404 403 200 201 202 203 204 205 206 226 304 400 401 402 405 406 407 408 409 410 411 412 413 414 416 417 418 421 ' +
  '425 426 429 431 451 499 501 502 504 505 507 508 511 520 599 600 999';

export const statuses: readonly Switch[] = [
  {
    name: 'status',
    does: 'answers VALUE with a short text (none with 204, 205 and 304)',
    values: codes.split(' '),
    answer: ({ socket, value }) => {
      const body = ['204', '205', '304'].includes(value) ? '' : 'no\n';
      const lines = [...(body === '' ? [] : [`content-length: ${body.length}`]), 'connection: close'];
      socket.end(`${head(`HTTP/1.1 ${value} No`, lines)}${body}`);
    },
  },
  {
    name: 'status-once',
    number: 'H68',
    does: 'answers VALUE the first time, and is honest afterwards',
    values: ['503', '500', '408', '429', '425'],
    answer: ({ response, turn, value, serve }) => {
      if (turn > 0) serve();
      else response.writeHead(Number(value), { 'content-length': 0 }).end();
    },
  },
  {
    name: 'status-then-gone',
    number: 'H68',
    does: 'answers 503 the first time, and 404 afterwards',
    answer: ({ response, turn }) => void response.writeHead(turn > 0 ? 404 : 503).end(),
  },
  {
    name: 'status-with-endless-body',
    number: 'H78',
    does: 'answers VALUE with a body that does not end',
    values: ['404', '500', '304'],
    answer: ({ response, value, every }) => {
      response.writeHead(Number(value));
      every(10, () => void response.write('x'.repeat(4096)));
    },
  },
  {
    name: 'retry-after',
    number: 'H69',
    does: 'answers 503 with Retry-After: VALUE; `date` is an HTTP-date in a minute, `past` one of long ago',
    values: ['1', '0', 'date', 'past', '120', '1e9', '1000000000', '-5', 'garbage', ''],
    answer: ({ response, value }) => {
      const dates: Record<string, number> = { date: Date.now() + 60_000, past: 0 };
      const at = dates[value];
      response.writeHead(503, { 'retry-after': at === undefined ? value : new Date(at).toUTCString() }).end();
    },
  },
  {
    name: 'retry-after-once',
    number: 'H69',
    does: 'answers 429 with Retry-After: VALUE the first time, and is honest afterwards',
    values: ['1'],
    answer: ({ response, turn, value, serve }) => {
      if (turn > 0) serve();
      else response.writeHead(429, { 'retry-after': value }).end();
    },
  },
  {
    name: 'switching-protocols',
    does: 'answers 101 to a request that asked for nothing of the kind',
    answer: ({ socket }) => socket.end('HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\nhello'),
  },
];
