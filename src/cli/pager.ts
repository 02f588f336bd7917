/** Shows long text page by page, as systemd's tools do: $SYSTEMD_PAGER, $PAGER, less(1), more(1). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** What less gets unless $SYSTEMD_LESS says otherwise, see systemctl(1). */
const LESS_OPTIONS = 'FRSXMK';

/** The login of a process that belongs to none, see audit_getloginuid(3). */
const NO_LOGIN = 4_294_967_295;

/** Whose rights a process has, and whose it was started by. */
export interface Caller {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The effective user. */
  readonly uid: number | undefined;
  /** The user who logged in; undefined where that is not known. */
  readonly loginUid: number | undefined;
}

export interface Pagers {
  /** The programs to try, in order, each with its words; none where the text is to be written as it is. */
  readonly programs: readonly (readonly string[])[];
  /** Whether they must not start other programs. */
  readonly secure: boolean;
}

/**
 * Chooses pagers. They can start programs, and must not with the rights of somebody who was lent them (CVE-2023-26604):
 * then, only less is known to keep from it, and others count as `$SYSTEMD_PAGERSECURE` says.
 */
export function pagersOf(caller: Caller): Pagers {
  const { SYSTEMD_PAGERSECURE, SYSTEMD_PAGER, PAGER } = caller.environment;
  const told = booleanOf(SYSTEMD_PAGERSECURE);
  // What cannot be read as a boolean is no word to trust a program on.
  const secure = told ?? (SYSTEMD_PAGERSECURE !== undefined || isLent(caller));
  const asked = SYSTEMD_PAGER ?? PAGER;
  const words = asked?.split(/\s+/).filter((word) => word !== '');
  if (words && (words.length === 0 || words[0] === 'cat')) return { programs: [], secure };
  if (words && (!secure || told)) return { programs: [words], secure };
  return { programs: secure ? [['less']] : [['less'], ['more']], secure };
}

/** Whether the rights are those of another user than the one who sits there. */
function isLent({ environment, uid, loginUid }: Caller): boolean {
  if (environment.SUDO_UID !== undefined || environment.PKEXEC_UID !== undefined) return true;
  return loginUid !== undefined && loginUid !== NO_LOGIN && loginUid !== uid;
}

/** As systemd reads booleans in the environment. */
function booleanOf(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (/^(1|yes|y|true|t|on)$/i.test(text)) return true;
  return /^(0|no|n|false|f|off)$/i.test(text) ? false : undefined;
}

/** Writes a text to standard output, through a pager where it is longer than the terminal. */
export async function showText(text: string, pager: boolean): Promise<void> {
  const { isTTY, rows } = process.stdout;
  const isLong = isTTY && text.split('\n').length >= rows;
  if (pager && isLong) {
    const { programs, secure } = pagersOf({
      environment: process.env,
      uid: process.geteuid?.(),
      loginUid: readLoginUid(),
    });
    for (const words of programs) {
      if (await pipeInto(words, text, secure)) return;
    }
  }
  process.stdout.write(`${text}\n`);
}

function readLoginUid(): number | undefined {
  try {
    return Number(readFileSync('/proc/self/loginuid', 'utf8'));
  } catch {
    return undefined;
  }
}

/** @returns false when there is no such program */
async function pipeInto([program = '', ...words]: readonly string[], text: string, secure: boolean): Promise<boolean> {
  const child = spawn(program, words, {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: {
      ...process.env,
      LESS: process.env.SYSTEMD_LESS ?? LESS_OPTIONS,
      LESSCHARSET: process.env.SYSTEMD_LESSCHARSET ?? 'utf-8',
      ...(secure ? { LESSSECURE: '1' } : {}),
    },
  });
  // It may be left before its end.
  child.stdin.on('error', () => {});
  const giveBack = leaveInterrupts();
  try {
    child.stdin.end(`${text}\n`);
    await once(child, 'close');
    return true;
  } catch {
    return false;
  } finally {
    giveBack();
  }
}

/**
 * Leaves the interrupt key to a pager: it knows what to do with it, and this program would end under it.
 * @returns what gives it back to those who listened before
 */
function leaveInterrupts(): () => void {
  const listeners = process.rawListeners('SIGINT') as NodeJS.SignalsListener[];
  const ignore = () => {};
  // First: without any listener, the signal would end the process.
  process.on('SIGINT', ignore);
  for (const listener of listeners) process.off('SIGINT', listener);
  return () => {
    for (const listener of listeners) process.on('SIGINT', listener);
    process.off('SIGINT', ignore);
  };
}
