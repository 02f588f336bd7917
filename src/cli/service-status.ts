/**
 * What a unit of ours is at, for `systemctl status` (sd_notify(3)): sent where the unit has passed the socket, and never
 * waited for.
 */
import { spawn } from 'node:child_process';
import { write } from 'node:fs';
import { passedSocket } from '../os/passed-sockets.ts';
import { printable } from '../printable.ts';

/** Milliseconds between two messages. */
const SEND_EVERY = 1000;

/** Characters of a text: systemd takes 4096 bytes of a message, or none. */
const LENGTH_MAX = 1000;

export interface ServiceStatus {
  /** What goes on; told within a second, if nothing newer is said by then. */
  say(text: string): void;
  /** What came of it; told at once. */
  result(text: string): void;
  /** A daemon is up. */
  ready(): void;
  /** A daemon begins to end. */
  stopping(): void;
}

/** Effects of {@link createServiceStatus}. */
export interface StatusEffects {
  send(state: string): void;
  /** Calls back later, but does not keep the process up for that. @returns takes it back */
  later(ms: number, callback: () => void): () => void;
}

/** Sends at most one message a second, the newest. */
export function createServiceStatus({ send, later }: StatusEffects): ServiceStatus {
  let last: string | undefined;
  let waiting: string | undefined;
  let cancel: (() => void) | undefined;
  const sendNow = (text: string) => {
    if (text !== last) send(`STATUS=${text}`);
    last = text;
    cancel = later(SEND_EVERY, () => {
      cancel = undefined;
      if (waiting !== undefined) sendNow(waiting);
      waiting = undefined;
    });
  };
  const line = (text: string) => printable(text).replaceAll('\n', ' ').slice(0, LENGTH_MAX);
  return {
    say(text) {
      if (cancel) waiting = line(text);
      else sendNow(line(text));
    },
    result(text) {
      cancel?.();
      waiting = undefined;
      sendNow(line(text));
    },
    ready: () => send('READY=1'),
    stopping: () => send('STOPPING=1'),
  };
}

let status: ServiceStatus | undefined;

/** That of this process; says nothing where nobody listens. */
export function serviceStatus(): ServiceStatus {
  status ??= createServiceStatus({
    send: senderOf(passedSocket('notify')),
    later(ms, callback) {
      const timer = setTimeout(callback, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
  });
  return status;
}

function senderOf(socket: number | undefined): (state: string) => void {
  if (socket !== undefined) return (state) => write(socket, `${state}\n`, () => {});
  return (state) => {
    // systemd before 253: what it would wait for is worth a process, the rest is not.
    if (process.env.NOTIFY_SOCKET === undefined || state.startsWith('STATUS=')) return;
    spawn('systemd-notify', [state], { stdio: 'ignore' }).on('error', () => {});
  };
}
