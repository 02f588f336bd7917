/** TLS as it should not be. */
import { readFileSync } from 'node:fs';
import type { TlsOptions } from 'node:tls';
import { reset, type Switch } from './switch.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8');

/** The authority that has to be trusted for certificates that are good. */
export const authority = () => fixture('fault-ca.pem');
export const goodTls = (): TlsOptions => ({ key: fixture('server.key'), cert: fixture('fault-good.pem') });

function certificate(kind: string, does: string): Switch {
  return { name: `tls-${kind}`, does, over: 'https', tls: () => ({ cert: fixture(`fault-${kind}.pem`) }) };
}

function connection(name: string, does: string, connect: NonNullable<Switch['connect']>): Switch {
  return { name, does, over: 'https', connect };
}

export const tls: readonly Switch[] = [
  certificate('expired', 'has a certificate that expired'),
  certificate('not-yet-valid', 'has a certificate of the future'),
  certificate('wrong-host', 'has a certificate for another host'),
  certificate('self-signed', 'has a certificate that is signed by itself'),
  certificate('unknown-authority', 'has a certificate of an authority that nobody trusts'),
  {
    name: 'tls-version',
    does: 'speaks TLS VALUE only',
    values: ['1.0', '1.1'],
    over: 'https',
    tls: (value) => {
      const version = value === '1.0' ? 'TLSv1' : 'TLSv1.1';
      return { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    },
  },
  {
    name: 'tls-client-certificate',
    number: 'H84',
    does: 'wants a certificate of the client; VALUE is the version of TLS',
    values: ['1.3', '1.2'],
    over: 'https',
    tls: (value) => ({ requestCert: true, rejectUnauthorized: true, maxVersion: `TLSv${value}` as 'TLSv1.3' }),
  },
  connection('tls-plain', 'speaks plain HTTP on the port of TLS', ({ socket }) => {
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'));
  }),
  connection('tls-cut', 'ends the connection in the handshake', ({ socket }) => {
    socket.once('data', () => socket.end(Buffer.from([22, 3, 3, 0, 90, 2, 0])));
  }),
  connection('tls-reset', 'breaks the connection in the handshake', ({ socket }) => {
    socket.once('data', () => reset(socket));
  }),
  connection('tls-stall', 'never answers the handshake', ({ socket }) => void socket.resume()),
  connection('tls-garbage', 'answers the handshake with garbage', ({ socket }) => {
    socket.once('data', () => socket.end(Buffer.alloc(300, 0xa5)));
  }),
  {
    ...connection('tls-slow', 'accepts TLS VALUE milliseconds late', ({ socket, value, pass }) => {
      const timer = setTimeout(pass, Number(value));
      socket.once('close', () => clearTimeout(timer));
    }),
    values: ['300', '20000'],
  },
];
