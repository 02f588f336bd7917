/** Shows long text page by page, as systemd's tools do: $SYSTEMD_PAGER, $PAGER, less(1), more(1). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What less gets unless $SYSTEMD_LESS says otherwise, see systemctl(1). */
const LESS_OPTIONS = 'FRSXMK';

/**
 * The programs to try, in order, each with its words; none where the text is to be written as it is.
 * @param environment such as `process.env`
 */
export function pagersOf(environment: Readonly<Record<string, string | undefined>>): string[][] {
  const asked = environment.SYSTEMD_PAGER ?? environment.PAGER;
  if (asked === undefined) return [['less'], ['more']];
  const words = asked.split(/\s+/).filter((word) => word !== '');
  return words.length === 0 || words[0] === 'cat' ? [] : [words];
}

/** Writes a text to standard output, through a pager where it is longer than the terminal. */
export async function showText(text: string, pager: boolean): Promise<void> {
  const { isTTY, rows } = process.stdout;
  const isLong = isTTY && text.split('\n').length >= rows;
  if (pager && isLong) {
    for (const words of pagersOf(process.env)) {
      if (await pipeInto(words, text)) return;
    }
  }
  process.stdout.write(`${text}\n`);
}

/** @returns false when there is no such program */
async function pipeInto([program = '', ...words]: readonly string[], text: string): Promise<boolean> {
  // A pager can start programs: not with the rights of somebody who was lent them.
  const secure = process.env.SYSTEMD_PAGERSECURE ?? (process.env.SUDO_UID === undefined ? undefined : '1');
  const child = spawn(program, words, {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: {
      ...process.env,
      LESS: process.env.SYSTEMD_LESS ?? LESS_OPTIONS,
      LESSCHARSET: process.env.SYSTEMD_LESSCHARSET ?? 'utf-8',
      ...(secure === undefined || /^(0|no|false|off)$/i.test(secure) ? {} : { LESSSECURE: '1' }),
    },
  });
  // It may be left before its end.
  child.stdin.on('error', () => {});
  // The keys are its own as long as it is there.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    child.stdin.end(`${text}\n`);
    await once(child, 'close');
    return true;
  } catch {
    return false;
  } finally {
    process.off('SIGINT', ignore);
  }
}
