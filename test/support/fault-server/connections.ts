/** Connections that are refused, or do not last. All of them concern the whole server. */
import { reset, type Switch } from './switch.ts';

export const connections: readonly Switch[] = [
  {
    name: 'refuse-after',
    number: 'H86',
    does: 'stops listening after VALUE requests',
    values: ['0', '1', '2', '3'],
    answer: ({ response, socket, value, before, serve, stopListening }) => {
      if (before >= Number(value)) {
        stopListening();
        socket.destroy();
        return;
      }
      response.setHeader('connection', 'close');
      serve();
    },
  },
  {
    name: 'silent',
    number: 'H75',
    does: 'accepts connections and never reads from them',
    connect: ({ socket }) => void socket.pause(),
  },
  {
    name: 'close-at-once',
    does: 'accepts connections and ends them at once',
    connect: ({ socket }) => socket.destroy(),
  },
  {
    name: 'reset-at-once',
    does: 'accepts connections and breaks them at once',
    connect: ({ socket }) => reset(socket),
  },
  {
    name: 'close-first',
    does: 'ends the first VALUE connections at once, and is honest afterwards',
    values: ['1'],
    connect: ({ socket, turn, value, pass }) => {
      if (turn < Number(value)) socket.destroy();
      else pass();
    },
  },
  {
    name: 'close-between',
    does: 'says keep-alive, and ends the connection after each answer',
    answer: ({ response, socket, serve }) => {
      response.setHeader('connection', 'keep-alive');
      response.once('finish', () => setImmediate(() => socket.destroy()));
      serve();
    },
  },
  {
    name: 'reset-between',
    does: 'says keep-alive, and breaks the connection after each answer',
    answer: ({ response, socket, serve }) => {
      response.setHeader('connection', 'keep-alive');
      // What is still on its way would be lost with the connection.
      response.once('finish', () => setTimeout(() => reset(socket), 20));
      serve();
    },
  },
  {
    name: 'close-unsaid',
    does: 'answers once on a connection, and is silent on it afterwards',
    answer: ({ response, socket, serve }) => {
      const answered = socket as { answered?: boolean };
      if (answered.answered) return;
      answered.answered = true;
      response.setHeader('connection', 'keep-alive');
      serve();
    },
  },
];
