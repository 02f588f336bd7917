/** Servers that lie about parts of files. Each first cuts a whole answer, so that a client asks for the rest. */
import { type Exchange, headOf, type Switch } from './switch.ts';

/** Cuts what is asked for whole; what is asked for in part is answered by `lie`. */
function afterCut(name: string, does: string, lie: (exchange: Exchange) => void, values?: readonly string[]): Switch {
  return {
    name,
    does,
    ...(values ? { values } : {}),
    answer: (exchange) => {
      const { socket, honest, request } = exchange;
      if (request.headers.range !== undefined) {
        lie(exchange);
      } else if (exchange.turn > 1) {
        exchange.serve();
      } else {
        socket.write(headOf(honest));
        socket.end(honest.body.subarray(0, honest.body.length / 2));
      }
    },
  };
}

/** The asked part with other headers. */
function partWith(changes: (exchange: Exchange) => Record<string, string | undefined>, status?: number) {
  return (exchange: Exchange) => {
    const { socket, honest } = exchange;
    socket.write(headOf(status === undefined ? honest : { ...honest, status }, changes(exchange)));
    socket.end(honest.body);
  };
}

const total = ({ file }: Exchange) => file.length;

export const ranges: readonly Switch[] = [
  afterCut('range-ignored', 'sends the whole file (200) when a part is asked for', ({ socket, honest, file }) => {
    socket.write(headOf({ ...honest, status: 200 }, { 'content-range': undefined, 'content-length': file.length }));
    socket.end(file);
  }),
  afterCut('range-other', 'sends another part than was asked for, and says so', ({ socket, honest, file }) => {
    const range = `bytes 0-${honest.body.length - 1}/${file.length}`;
    socket.write(headOf(honest, { 'content-range': range }));
    socket.end(file.subarray(0, honest.body.length));
  }),
  afterCut(
    'range-lie',
    'says that it is the asked part, and sends the beginning of the file',
    ({ socket, honest, file }) => {
      socket.write(headOf(honest));
      socket.end(file.subarray(0, honest.body.length));
    },
  ),
  afterCut(
    'range-total',
    'says another size of the whole file: VALUE',
    partWith(({ honest, value }) => ({
      'content-range': `${honest.headers['content-range']}`.replace(/[^/]*$/, value),
    })),
    ['1', '*', '1099511627776', '-5', '1e9'],
  ),
  afterCut(
    'range-unsaid',
    'answers 206 without Content-Range',
    partWith(() => ({ 'content-range': undefined })),
  ),
  afterCut(
    'range-garbage',
    'answers 206 with VALUE as Content-Range',
    partWith(({ value }) => ({ 'content-range': value })),
    ['bytes', 'bytes a-b/c', 'lines 1-2/3', 'bytes 5-1/3'],
  ),
  afterCut('range-multipart', 'answers 206 with multipart/byteranges', ({ socket, honest }) => {
    const part = `--X\r\ncontent-type: application/octet-stream\r\ncontent-range: ${honest.headers['content-range']}\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(part), honest.body, Buffer.from('\r\n--X--\r\n')]);
    socket.write(
      headOf(honest, {
        'content-type': 'multipart/byteranges; boundary=X',
        'content-range': undefined,
        'content-length': body.length,
      }),
    );
    socket.end(body);
  }),
  afterCut(
    'range-416',
    'answers 416; VALUE `complete` says that what the client has is the whole file',
    ({ socket, honest, request, value }) => {
      const from = /bytes=([0-9]+)/.exec(request.headers.range ?? '')?.[1] ?? '0';
      const range = value === 'complete' ? { 'content-range': `bytes */${from}` } : {};
      socket.end(headOf({ ...honest, status: 416 }, { 'content-length': 0, ...range }));
    },
    ['plain', 'complete'],
  ),
  afterCut(
    'range-etag-changed',
    'says another ETag with the part, although If-Range was asked',
    partWith(({ turn }) => ({ etag: `"other-${turn}"` })),
  ),
  afterCut(
    'range-etag-weak',
    'says a weak ETag',
    partWith(({ honest }) => ({ etag: `W/${honest.headers.etag}` })),
  ),
  afterCut(
    'range-etag-none',
    'says no ETag and no date',
    partWith(() => ({ etag: undefined, 'last-modified': undefined })),
  ),
  afterCut('range-other-content', 'sends other bytes in the part, under the same ETag', ({ socket, honest }) => {
    socket.write(headOf(honest));
    socket.end(Buffer.alloc(honest.body.length, 0x55));
  }),
  afterCut(
    'range-short',
    'sends at most VALUE bytes of the part, and says so',
    ({ socket, honest, value, ...rest }) => {
      const from = Number(/bytes ([0-9]+)/.exec(`${honest.headers['content-range']}`)?.[1]);
      const body = honest.body.subarray(0, Number(value));
      const range = `bytes ${from}-${from + body.length - 1}/${total(rest as Exchange)}`;
      socket.write(headOf(honest, { 'content-range': range, 'content-length': body.length }));
      socket.end(body);
    },
    ['3000', '1'],
  ),
  {
    name: 'range-unasked',
    does: 'answers 206 with the first half when the whole file is asked for',
    answer: (exchange) => {
      const { socket, honest, request, file } = exchange;
      if (request.headers.range !== undefined) return exchange.serve();
      const body = file.subarray(0, file.length / 2);
      const range = `bytes 0-${body.length - 1}/${file.length}`;
      socket.write(headOf({ ...honest, status: 206 }, { 'content-range': range, 'content-length': body.length }));
      socket.end(body);
    },
  },
];
