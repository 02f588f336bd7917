/** Questions on a terminal. */
import { createInterface } from 'node:readline';

/** Asks until there is an answer; undefined where there is nobody to ask. */
export type Ask = (question: string, byDefault: boolean) => Promise<boolean>;

/** Where one can ask: a person who reads standard error, and types. */
export function askerOn(
  terminal: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream },
  signal: AbortSignal,
): Ask | undefined {
  const { input, output } = terminal;
  if (!input.isTTY || !output.isTTY) return undefined;
  return async (question, byDefault) => {
    for (;;) {
      const answer = await readLine(`${question} [${byDefault ? 'Y/n' : 'y/N'}] `, { input, output }, signal);
      // The end of input is no yes.
      if (answer === undefined) return false;
      const word = answer.trim().toLowerCase();
      if (word === '') return byDefault;
      if (['y', 'yes'].includes(word)) return true;
      if (['n', 'no'].includes(word)) return false;
    }
  };
}

function readLine(
  question: string,
  { input, output }: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream },
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    // The terminal edits the line itself, so that Ctrl-C is a signal as ever.
    const lines = createInterface({ input, terminal: false });
    const abort = () => {
      lines.close();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => {
      signal.removeEventListener('abort', abort);
      resolve(undefined);
    });
    output.write(question);
  });
}
