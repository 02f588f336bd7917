/**
 * Sockets that systemd has connected for this process (`OpenFile=` of its unit, systemd 253). Node can make no datagram
 * socket of a path, but it can write to one that it is given; and what comes by it is known to be from this very process.
 */

/** The first descriptor that is passed, see sd_listen_fds(3). */
const FIRST = 3;

/** Those that a unit of ours may pass. */
export type SocketName = 'journal' | 'notify';

/** The descriptor of a socket; undefined where this process was not given it. */
export function passedSocket(name: SocketName, environment = process.env): number | undefined {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = '' } = environment;
  if (LISTEN_PID !== String(process.pid)) return undefined;
  const index = LISTEN_FDNAMES.split(':').slice(0, Number(LISTEN_FDS)).indexOf(name);
  return index < 0 ? undefined : FIRST + index;
}

/** A program that begins with the descriptors behind standard error under these names: only it knows its process id. */
export function withPassed(
  names: readonly SocketName[],
  argv: readonly string[],
): { readonly argv: [string, ...string[]]; readonly env: Readonly<Record<string, string>> } {
  return {
    argv: ['/bin/sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh', ...argv],
    env: { LISTEN_FDS: String(names.length), LISTEN_FDNAMES: names.join(':') },
  };
}
