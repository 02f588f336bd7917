/** What a switch of the fault server is made of. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { Answer } from '../server.ts';

/** One request that a switch answers. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Below HTTP: bytes go out as they are. Plain or TLS. */
  readonly socket: Socket;
  readonly path: string;
  readonly value: string;
  /** How many requests for the path this switch has answered before. */
  readonly turn: number;
  /** How many requests, for whatever, the server has had before. */
  readonly before: number;
  /** What an honest server would answer. */
  readonly honest: Answer;
  /** The whole file, whatever part of it was asked for. */
  readonly file: Buffer;
  readonly server: ServerAddresses;
  /** Gives the honest answer. */
  serve(): void;
  /** From now on connections are refused. */
  stopListening(): void;
  /** Calls a function again and again while the connection lives. */
  every(milliseconds: number, step: () => void): void;
}

export interface ServerAddresses {
  readonly url: string;
  readonly secureUrl: string;
  /** The same files at another port, honest. */
  readonly otherUrl: string;
  /** Directory with older copies of the files; the files themselves where there is none. */
  readonly old: string;
}

/** One connection, before anything is read from it. */
export interface Connecting {
  readonly socket: Socket;
  readonly value: string;
  /** How many connections there were before. */
  readonly turn: number;
  /** Lets the honest server have it. */
  pass(): void;
}

interface Named {
  readonly name: string;
  /** For the list of switches: what the server does, and what the value means. */
  readonly does: string;
  /** Its number in the fault catalogue, where that is another one than that of its group. */
  readonly number?: string;
  /** Values that make sense, the default first; none = it takes no value. */
  readonly values?: readonly string[];
}

/** A switch answers requests for the paths it is set for, or takes connections (then of the whole server), or both. */
export interface Switch extends Named {
  readonly answer?: (exchange: Exchange) => void;
  readonly connect?: (connecting: Connecting) => void;
  /** What is different about TLS. */
  readonly tls?: (value: string) => TlsOptions;
  /** Where it only makes sense. */
  readonly over?: 'https';
}

/** The head of an answer, byte by byte. */
export function head(
  statusLine: string,
  headers: Readonly<Record<string, string | number>> | readonly string[],
): string {
  const lines = Array.isArray(headers) ? headers : Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `${[statusLine, ...lines].join('\r\n')}\r\n\r\n`;
}

/** The head of an honest answer, with some headers changed; undefined takes one away. */
export function headOf(
  { status, headers }: Answer,
  changes: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const all = Object.entries({ ...headers, connection: 'close', ...changes });
  const kept = all.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return head(`HTTP/1.1 ${status} OK`, kept);
}

/** Breaks a connection with RST; over TLS, that of the connection below. */
export function reset(socket: Socket): void {
  const below = (socket as { _parent?: Socket })._parent;
  (below ?? socket).resetAndDestroy();
}
