/**
 * Messages of the Varlink protocol (https://varlink.org/Method-Call): JSON objects, each with a NUL byte behind it. What
 * breaks the framing or is no call has no answer in the protocol: the connection is given up.
 */

import { printableJson } from '../printable.ts';

/** Bytes of a call that are taken; ours name a component or two. */
export const CALL_SIZE_MAX = 64 * 1024;

/** Bytes of a reply: what clients of systemd take. */
export const REPLY_SIZE_MAX = 16 * 1024 * 1024;

/** What a client asks for. */
export interface Call {
  /** With its interface: `org.example.Interface.Method`. */
  readonly method: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Whether several replies are wanted. */
  readonly more: boolean;
  /** Whether no reply is wanted, not even an error. */
  readonly oneway: boolean;
  /** Whether the connection should become something else. */
  readonly upgrade: boolean;
}

/** What goes back; `continues` tells that more will follow for the same call. */
export type Reply =
  | { readonly parameters: object; readonly continues?: true }
  | { readonly error: string; readonly parameters: object };

/** The peer does not speak Varlink. */
export class ProtocolError extends Error {}

/** Cuts a stream of bytes into messages, whatever the sizes of its pieces are. */
export class MessageReader {
  readonly #sizeMax: number;
  #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(sizeMax: number = CALL_SIZE_MAX) {
    this.#sizeMax = sizeMax;
  }

  /**
   * @returns the messages that are complete now, without their NUL bytes
   * @throws ProtocolError for a message that is too large, also when its end is still to come
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = [];
    let rest = chunk;
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      this.#add(rest.subarray(0, end));
      messages.push(Buffer.concat(this.#pieces));
      this.#pieces = [];
      this.#size = 0;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) this.#add(rest);
    return messages;
  }

  #add(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.#size > this.#sizeMax) throw new ProtocolError(`a message has more than ${this.#sizeMax} bytes`);
    this.#pieces.push(piece);
  }
}

const FLAGS = ['more', 'oneway', 'upgrade'] as const;
const MEMBERS: readonly string[] = ['method', 'parameters', ...FLAGS];

/** Reads a call. @throws ProtocolError */
export function parseCall(message: Uint8Array): Call {
  const call = parseObject(message);
  const unknown = Object.keys(call).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) throw new ProtocolError(`a call has no member "${unknown}"`);
  const { method, parameters = {} } = call;
  if (typeof method !== 'string') throw new ProtocolError('a call without a method');
  if (!isObject(parameters)) throw new ProtocolError('parameters that are no object');
  for (const flag of FLAGS) {
    if (!['undefined', 'boolean'].includes(typeof call[flag])) throw new ProtocolError(`"${flag}" is no boolean`);
  }
  const { more, oneway, upgrade } = call;
  return { method, parameters, more: more === true, oneway: oneway === true, upgrade: upgrade === true };
}

/** The text of a message, NUL and all; what is in it cannot do anything to the terminal that it may end up on. */
export function encodeMessage(message: object): string {
  return `${printableJson(JSON.stringify(message))}\0`;
}

function parseObject(message: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message));
  } catch (error) {
    throw new ProtocolError('a message that is no JSON', { cause: error });
  }
  if (!isObject(value)) throw new ProtocolError('a message that is no object');
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
