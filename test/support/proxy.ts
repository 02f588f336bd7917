/** A forward proxy on loopback: whole URLs for http, CONNECT for https. */
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface TestProxy {
  readonly url: string;
  /** What it was asked for: `GET http://...` and `CONNECT host:port`. */
  readonly asked: string[];
  /** The credentials that it was given. */
  readonly authorizations: (string | undefined)[];
  close(): Promise<void>;
}

/**
 * @param fault a status in place of service, or `silent` to never answer
 */
export async function startProxy(fault?: number | 'silent'): Promise<TestProxy> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const note = ({ method, url, headers }: IncomingMessage) => {
    asked.push(`${method} ${url}`);
    authorizations.push(headers['proxy-authorization']);
  };
  const server = createServer((incoming, response) => {
    note(incoming);
    if (fault === 'silent') return;
    if (fault !== undefined) return void response.writeHead(fault, { 'content-length': 0 }).end();
    const { method, headers, url = '' } = incoming;
    request(url, { ...(method === undefined ? {} : { method }), headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    }).end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    note(incoming);
    if (fault === 'silent') return;
    if (fault !== undefined) return void socket.end(`HTTP/1.1 ${fault} No\r\ncontent-length: 0\r\n\r\n`);
    const { hostname, port } = new URL(`http://${incoming.url}`);
    const target = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    authorizations,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
