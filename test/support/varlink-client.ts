/** A Varlink client over a socket. */
import { connect, type Socket } from 'node:net';

export interface VarlinkReply {
  readonly parameters: Record<string, unknown>;
  readonly error?: string;
  readonly continues?: boolean;
}

export interface VarlinkClient {
  /** Sends a call and waits for its last reply. @returns all of them */
  call(method: string, parameters?: object, flags?: { readonly more?: boolean }): Promise<VarlinkReply[]>;
  /** Writes whatever it is. */
  send(data: string | Uint8Array): void;
  /** The next reply; undefined when the other side has hung up. */
  next(): Promise<VarlinkReply | undefined>;
  /** Writes no more, and still reads. */
  end(): void;
  close(): void;
}

/** Bytes of a call. */
export function callMessage(method: string, parameters: object = {}, flags: object = {}): string {
  return `${JSON.stringify({ method, parameters, ...flags })}\0`;
}

export function varlinkClient(path: string): VarlinkClient {
  const socket: Socket = connect({ path, allowHalfOpen: true });
  const messages = messagesOf(socket);
  const next = async () => {
    const { value, done } = await messages.next();
    return done ? undefined : (JSON.parse(value) as VarlinkReply);
  };
  return {
    async call(method, parameters, flags) {
      socket.write(callMessage(method, parameters, flags));
      const replies: VarlinkReply[] = [];
      for (;;) {
        const reply = await next();
        if (!reply) throw new Error(`hung up on while ${method} was called`);
        replies.push(reply);
        if (!reply.continues) return replies;
      }
    },
    send: (data) => void socket.write(data),
    next,
    end: () => socket.end(),
    close: () => socket.destroy(),
  };
}

async function* messagesOf(socket: Socket): AsyncGenerator<string, void> {
  let pending = '';
  try {
    for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) {
      const parts = (pending + chunk).split('\0');
      pending = parts.pop() ?? '';
      yield* parts;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
  if (pending !== '') throw new Error(`half a message: ${pending}`);
}
