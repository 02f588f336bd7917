/** Redirects to everywhere. */
import { type Exchange, head, type Switch } from './switch.ts';

/** A query with which no switch answers. */
export const HONEST = 'honest';

function redirect(
  { socket }: Exchange,
  status: number,
  location: string | undefined,
  more: readonly string[] = [],
): void {
  const lines = [...(location === undefined ? [] : [`location: ${location}`]), ...more];
  socket.end(head(`HTTP/1.1 ${status} Moved`, [...lines, 'content-length: 0', 'connection: close']));
}

/** Whether the request came over TLS. */
const isSecure = ({ socket }: Exchange) => 'encrypted' in socket;

const ownUrl = (exchange: Exchange) => (isSecure(exchange) ? exchange.server.secureUrl : exchange.server.url);

export const redirects: readonly Switch[] = [
  {
    name: 'redirect',
    does: 'redirects to the file itself with status VALUE',
    values: ['302', '301', '303', '307', '308', '300', '305', '306'],
    answer: (exchange) => redirect(exchange, Number(exchange.value), `${exchange.path}?${HONEST}`),
  },
  {
    name: 'redirect-loop',
    does: 'redirects to the same URL',
    answer: (exchange) => redirect(exchange, 302, exchange.path),
  },
  {
    name: 'redirect-hops',
    does: 'redirects VALUE times before the file comes',
    values: ['5', '6'],
    answer: (exchange) => {
      const hop = Number(/[?]([0-9]+)/.exec(exchange.request.url ?? '')?.[1] ?? 0) + 1;
      redirect(exchange, 302, `${exchange.path}?${hop < Number(exchange.value) ? hop : HONEST}`);
    },
  },
  {
    name: 'redirect-to-http',
    number: 'H62',
    does: 'redirects from https to http',
    over: 'https',
    answer: (exchange) => redirect(exchange, 301, `${exchange.server.url}${exchange.path}?${HONEST}`),
  },
  {
    name: 'redirect-to',
    number: 'H63',
    does: 'redirects to VALUE',
    values: [
      'file:///etc/passwd',
      'ftp://127.0.0.1/x',
      'data:application/octet-stream,x',
      'javascript:1',
      'http://[',
      'http://',
      '%zz',
      '?'.repeat(5000),
      'http://127.0.0.1:1/',
      '',
    ],
    answer: (exchange) => redirect(exchange, 302, exchange.value),
  },
  {
    name: 'redirect-other-origin',
    number: 'H66',
    does: 'redirects to another port, where the same files are; VALUE `user:password` is put into the URL',
    values: ['', 'user:password'],
    answer: (exchange) => {
      const { value, server, path } = exchange;
      const target = new URL(`${server.otherUrl}${path}`);
      [target.username = '', target.password = ''] = value.split(':');
      redirect(exchange, 302, target.href);
    },
  },
  {
    name: 'redirect-nowhere',
    does: 'answers VALUE without Location',
    values: ['302', '301', '308'],
    answer: (exchange) => redirect(exchange, Number(exchange.value), undefined),
  },
  {
    name: 'redirect-twice',
    does: 'says two different Locations',
    answer: (exchange) =>
      redirect(exchange, 302, `${exchange.path}?${HONEST}`, [`location: ${exchange.server.otherUrl}/elsewhere`]),
  },
  {
    name: 'redirect-endless-body',
    does: 'redirects with a body that does not end',
    answer: (exchange) => {
      const { socket, every, path } = exchange;
      socket.write(head('HTTP/1.1 302 Moved', [`location: ${path}?${HONEST}`, 'transfer-encoding: chunked']));
      every(10, () => void socket.write(`1000\r\n${'x'.repeat(4096)}\r\n`));
    },
  },
  {
    name: 'redirect-ping-pong',
    does: 'redirects to the other scheme of this server, https to http and back',
    answer: (exchange) =>
      redirect(
        exchange,
        302,
        `${ownUrl(exchange) === exchange.server.url ? exchange.server.secureUrl : exchange.server.url}${exchange.path}`,
      ),
  },
];
