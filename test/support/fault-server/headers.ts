/** Headers beyond measure, and answers that are none. */
import { randomBytes } from 'node:crypto';
import { headOf, type Switch } from './switch.ts';

/** Sends bytes in place of an answer, and ends the connection. */
function says(name: string, does: string, bytes: string | (() => Buffer)): Switch {
  return { name, does, answer: ({ socket }) => void socket.end(typeof bytes === 'string' ? bytes : bytes()) };
}

function withHeader(name: string, does: string, line: string): Switch {
  const answer: Switch['answer'] = ({ socket, honest }) => {
    socket.write(headOf(honest).replace('\r\n\r\n', `\r\n${line}\r\n\r\n`));
    socket.end(honest.body);
  };
  return { name, does, answer };
}

function withMore(
  name: string,
  does: string,
  values: readonly string[],
  more: (value: number) => Readonly<Record<string, string>>,
): Switch {
  return {
    name,
    does,
    values,
    answer: ({ socket, honest, value }) => {
      socket.write(headOf(honest, more(Number(value))));
      socket.end(honest.body);
    },
  };
}

export const headers: readonly Switch[] = [
  withMore('header-size', 'sends a header of VALUE bytes', ['17000', '4000', '10000000'], (size) => ({
    'x-more': 'x'.repeat(size),
  })),
  withMore('header-count', 'sends VALUE headers', ['10000', '100'], (count) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'x'])),
  ),
  {
    name: 'endless-headers',
    does: 'sends headers that do not end',
    answer: ({ socket, every }) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      every(5, () => void socket.write(`x-more: ${'x'.repeat(500)}\r\n`));
    },
  },
  withHeader('header-control', 'sends a header with control characters', 'x-more: \u0007\u001b[31mred'),
  withHeader('header-nul', 'sends a header with a NUL byte', 'x-more: a\0b'),
  withHeader('header-colon', 'sends a header without a colon', 'no colon here'),
  withHeader('header-folded', 'sends a header over two lines, as was allowed once', 'x-more: a\r\n b'),
  withHeader('header-space', 'sends a blank before the colon', 'content-length : 5'),
  says('nothing', 'ends the connection after a single line end', '\r\n'),
  says('garbage', 'answers with random bytes', () => randomBytes(4096)),
  says('http-0.9', 'answers with the content alone, without a status or headers', 'just some text\n'),
  says('http-2', 'answers in HTTP/2, unasked', () =>
    Buffer.from('0000120400000000000003000000640004000100000005', 'hex'),
  ),
  says('version', 'says a version of HTTP that there is not', 'HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n'),
  says('lower-case', 'says http in lower case', 'http/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
  says('status-line', 'answers with a status line that is none', 'HTTP/1.1 OK\r\n\r\n'),
  says('line-feeds', 'ends lines with line feeds alone', 'HTTP/1.1 200 OK\ncontent-length: 3\n\nno\n'),
  says('mail', 'greets as a mail server', '220 mail.example ESMTP\r\n'),
  says('ssh', 'greets as an SSH server', 'SSH-2.0-OpenSSH_9.2\r\n'),
  {
    name: 'second-answer',
    does: 'sends a second answer that nobody has asked for behind the honest one',
    answer: ({ socket, honest }) => {
      socket.write(headOf(honest, { connection: 'keep-alive' }));
      socket.write(honest.body);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil');
    },
  },
];
