/** The bytes of a connection, with limits on how long a peer may take: it holds one of few places. */
import type { Socket } from 'node:net';
import { type Connection, PeerGone } from './server.ts';

/** Milliseconds after which a peer that says nothing is hung up on. */
const IDLE_MAX = 10 * 60_000;
/** Milliseconds that a peer may take to read what it was sent. */
const READING_MAX = 60_000;

export interface SocketConnection extends Connection {
  /** Hangs up, when all that was written has gone. */
  close(): void;
}

/** @param socket a connected one, which may be half open */
export function connectionOn(socket: Socket, limits = { idleMs: IDLE_MAX, readingMs: READING_MAX }): SocketConnection {
  // Both ends of it show what went wrong.
  socket.on('error', () => {});
  const within = async <T>(ms: number, operation: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => socket.destroy(), ms);
    return operation.finally(() => clearTimeout(timer));
  };
  return {
    input: { [Symbol.asyncIterator]: () => chunksOf(socket, (next) => within(limits.idleMs, next)) },
    write: (text) => {
      const written = new Promise<void>((resolve, reject) => {
        socket.write(text, (error) => (error ? reject(new PeerGone('the peer is gone')) : resolve()));
      });
      return within(limits.readingMs, written);
    },
    close: () => socket.end(() => socket.destroy()),
  };
}

/** A peer that is cut off has hung up, too. */
async function* chunksOf(
  socket: Socket,
  waiting: <T>(next: Promise<T>) => Promise<T>,
): AsyncGenerator<Uint8Array, void> {
  const chunks = socket[Symbol.asyncIterator]();
  for (;;) {
    const next = await waiting(chunks.next()).catch(() => undefined);
    if (!next || next.done) return;
    yield next.value as Uint8Array;
  }
}
