/** `extupdate varlink INSTANCE`: serves the connection on standard input, as little privileged as its caller allows. */
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { tell } from '../cli/journal.ts';
import { exitStatus } from '../errors.ts';
import { readHistory } from '../os/history.ts';
import { ProtocolError } from './codec.ts';
import { becomeOwnerOf } from './drop-privileges.ts';
import { managerService } from './manager.ts';
import { peerUid } from './peer.ts';
import { serveConnection } from './server.ts';
import { connectionOn, type SocketConnection } from './socket-connection.ts';
import { startUnitShell } from './unit-shell.ts';

/** Milliseconds between two looks at the units: they do not tell more often what they are at. */
const LOOK_EVERY = 1000;

/**
 * Answers until the caller hangs up.
 * @param instance `%i` of the unit, which tells who calls
 * @returns the exit status
 * @throws ConfigError where nobody is there to become
 */
export async function varlinkCommand(
  instance: string,
  { root, signal }: { readonly root: string; readonly signal: AbortSignal },
): Promise<number> {
  const shell = peerUid(instance) === 0 && process.geteuid?.() === 0 ? startUnitShell() : undefined;
  let connection: SocketConnection | undefined;
  const units = shell && {
    ...shell,
    history: () => readHistory(root),
    pause: () => sleep(LOOK_EVERY, undefined, { signal }),
  };
  try {
    becomeOwnerOf(process.env.RUNTIME_DIRECTORY);
    // Nothing of the caller's was read before.
    connection = connectionOn(new Socket({ fd: 0, readable: true, writable: true, allowHalfOpen: true }));
    await serveConnection(connection, managerService({ root, units, signal }));
    return exitStatus.done;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    tell('notice', `hung up on ${instance}: ${error.message}`);
    return exitStatus.usage;
  } finally {
    shell?.close();
    connection?.close();
  }
}
