/** Servers that are behind, or half-way through a publication. `old` is a directory with older copies of the files. */
import { answerFor } from '../server.ts';
import { head, type Switch } from './switch.ts';

export const copies: readonly Switch[] = [
  {
    name: 'old-copy',
    does: 'sends an older copy; for SHA256SUMS alone, or its signature alone, that is a half-published set',
    answer: ({ response, request, server, path }) => {
      const { status, headers, body } = answerFor(server.old, path, request.headers);
      response.writeHead(status, headers).end(body);
    },
  },
  {
    name: 'old-copy-once',
    does: 'sends an older copy the first time, and is honest afterwards',
    answer: ({ response, request, server, path, turn, serve }) => {
      if (turn > 0) return serve();
      const { status, headers, body } = answerFor(server.old, path, request.headers);
      response.writeHead(status, headers).end(body);
    },
  },
  {
    name: 'not-modified',
    does: 'answers 304 to every conditional request, whatever has changed',
    answer: ({ response, request, serve }) => {
      const conditional = request.headers['if-none-match'] ?? request.headers['if-modified-since'];
      if (conditional === undefined) serve();
      else response.writeHead(304).end();
    },
  },
  {
    name: 'same-etag',
    does: 'says the same ETag and date for everything',
    answer: ({ socket, honest }) => {
      const same = {
        ...honest.headers,
        etag: '"same"',
        'last-modified': new Date(0).toUTCString(),
        connection: 'close',
      };
      socket.write(head(`HTTP/1.1 ${honest.status} OK`, same));
      socket.end(honest.body);
    },
  },
  {
    name: 'missing',
    does: 'does not have the file (404), nor a part of it',
    answer: ({ response }) => void response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n'),
  },
  {
    name: 'truncated',
    does: 'sends the first half of the file as if it were all',
    answer: ({ socket, file }) => {
      const body = file.subarray(0, file.length / 2);
      socket.write(head('HTTP/1.1 200 OK', [`content-length: ${body.length}`, 'connection: close']));
      socket.end(body);
    },
  },
];
