/**
 * The completion call-out of systemd-sysupdate 262: one Varlink connection on standard input and output. Every
 * `io.systemd.SysUpdate.Notify.OnCompletedUpdate` is answered at once, and starts the service that prepares.
 */
import { runCommand } from '../os/run-command.ts';

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
  let pending = '';
  for await (const chunk of input) {
    pending += Buffer.from(chunk).toString('utf8');
    if (pending.length > MESSAGE_MAX) return 1;
    const messages = pending.split('\0');
    pending = messages.pop() ?? '';
    for (const message of messages) {
      const method = methodOf(message);
      const isKnown = method === `${INTERFACE}.OnCompletedUpdate`;
      if (isKnown) await prepare();
      const reply = isKnown
        ? { parameters: {} }
        : { error: 'org.varlink.service.MethodNotFound', parameters: { method: method ?? '' } };
      write(`${JSON.stringify(reply)}\0`);
    }
  }
  return 0;
}

async function startPrepare(): Promise<void> {
  await runCommand(['systemctl', 'start', '--no-block', SERVICE]);
}

function methodOf(message: string): string | undefined {
  try {
    const call: unknown = JSON.parse(message);
    const method = (call as { method?: unknown } | null)?.method;
    return typeof method === 'string' ? method : undefined;
  } catch {
    return undefined;
  }
}
