/** Who is at the other end: Node cannot ask a socket, but systemd has, and tells in the name of the instance. */

/**
 * What systemd makes of a connection to a socket with `Accept=yes`: a number, then (262, not 257) the cookie of the socket,
 * the process id, maybe with the id of its pidfd, and the user id, as the kernel noted them when the peer connected. A peer
 * that is no user of this machine's, because it is outside of the container, is "unknown".
 */
const INSTANCE = /^[0-9]+(?:-[0-9]+)?-[0-9]+(?:_[0-9]+)?-(0|[1-9][0-9]{0,9})$/;

/**
 * The user id in the instance name of a service that serves one connection.
 * @returns undefined for any other name: then nobody is known
 */
export function peerUid(instance: string): number | undefined {
  const uid = INSTANCE.exec(instance)?.[1];
  return uid === undefined ? undefined : Number(uid);
}
