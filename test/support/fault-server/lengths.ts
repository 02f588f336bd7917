/** Lengths that are not those of the body. */
import { headOf, type Switch } from './switch.ts';

function withLength(
  name: string,
  does: string,
  length: (size: number, value: string) => string,
  values?: readonly string[],
): Switch {
  return {
    name,
    does,
    ...(values ? { values } : {}),
    answer: ({ socket, honest, value }) => {
      socket.write(headOf(honest, { 'content-length': length(honest.body.length, value) }));
      socket.end(honest.body);
    },
  };
}

export const lengths: readonly Switch[] = [
  withLength('length-bigger', 'says that the body is VALUE bytes longer than it is', (n, v) => `${n + Number(v)}`, [
    '1',
    '100000',
  ]),
  withLength('length-smaller', 'says that the body is VALUE bytes shorter than it is', (n, v) => `${n - Number(v)}`, [
    '1',
    '100',
  ]),
  withLength('length', 'says VALUE as the length', (_, value) => value, [
    '-1',
    '1e30',
    '1e3',
    '0x10',
    '+5',
    '99999999999999999999',
    '1099511627776',
    '',
    'many',
    '0',
  ]),
  withLength('length-twice', 'says two different lengths', (n) => `${n}\r\ncontent-length: ${n + 1}`),
  withLength('length-repeated', 'says the same length twice', (n) => `${n}\r\ncontent-length: ${n}`),
  withLength('length-list', 'says the length as a list', (n) => `${n}, ${n}`),
  {
    name: 'length-and-chunked',
    does: 'says a length and sends chunks, as in request smuggling',
    answer: ({ socket, honest }) => {
      socket.write(headOf(honest, { 'transfer-encoding': 'chunked' }));
      socket.write(`${honest.body.length.toString(16)}\r\n`);
      socket.write(honest.body);
      socket.end('\r\n0\r\n\r\n');
    },
  },
  {
    name: 'length-missing',
    does: 'HTTP/1.1 without length and chunks',
    answer: ({ socket, honest }) => {
      socket.write(headOf(honest, { 'content-length': undefined }));
      socket.end(honest.body);
    },
  },
];
