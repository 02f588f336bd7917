/**
 * The completion call-out of systemd-sysupdate 262: one Varlink connection on standard input and output. Every
 * `io.systemd.SysUpdate.Notify.OnCompletedUpdate` is answered at once, and starts the service that prepares.
 */
import { runCommand } from '../os/run-command.ts';
import { encodeMessage, MessageReader, ProtocolError, parseCall } from './codec.ts';

const INTERFACE = 'io.systemd.SysUpdate.Notify';
const SERVICE = 'extupdate-prepare.service';

/** Bytes of a message that are taken; a call names a handful of transfers. */
const MESSAGE_MAX = 1024 * 1024;

/** Answers until the caller hangs up. @returns the exit status */
export async function answerSysupdate(
  input: AsyncIterable<Uint8Array>,
  write: (text: string) => void,
  prepare: () => Promise<void> = startPrepare,
): Promise<number> {
  const reader = new MessageReader(MESSAGE_MAX);
  try {
    for await (const chunk of input) {
      for (const message of reader.push(chunk)) {
        const { method, oneway } = parseCall(message);
        const isKnown = method === `${INTERFACE}.OnCompletedUpdate`;
        if (isKnown) await prepare();
        const reply = isKnown
          ? { parameters: {} }
          : { error: 'org.varlink.service.MethodNotFound', parameters: { method } };
        if (!oneway) write(encodeMessage(reply));
      }
    }
    return 0;
  } catch (error) {
    if (error instanceof ProtocolError) return 1;
    throw error;
  }
}

async function startPrepare(): Promise<void> {
  await runCommand(['systemctl', 'start', '--no-block', SERVICE]);
}
