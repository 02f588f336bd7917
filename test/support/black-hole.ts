/** An address that swallows what is sent to it: a listener whose queue is full, and that never accepts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface BlackHole {
  readonly port: number;
  close(): Promise<void>;
}

const listener = `
  const server = require('node:net').createServer().listen({ port: 0, host: process.argv[1], backlog: 1 }, () => {
    process.stdout.write(String(server.address().port), () => process.kill(process.pid, 'SIGSTOP'));
  });
`;

/** @param host an address of loopback */
export async function startBlackHole(host: string): Promise<BlackHole> {
  const child = spawn(process.execPath, ['-e', listener, host], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [told] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(String(told));
  // These fill the queue; those that come later are not heard.
  const sockets: Socket[] = [];
  for (let count = 0; count < 8; count++) sockets.push(connect(port, host).on('error', () => {}));
  await once(sockets[0] as Socket, 'connect');
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
