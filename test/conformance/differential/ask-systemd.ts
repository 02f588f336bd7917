/** systemd-sysupdate in a root directory of its own, as on a host: a shell inside starts it, command after command. */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Answer } from './observation.ts';
import { COMPONENT, type CommandWord } from './scenario.ts';

/** Nothing of the answer stands where the scenario plays. */
const LOOP = `
while read -r words; do
  eval "/usr/lib/systemd/systemd-sysupdate $words" >/tmp/stdout 2>/tmp/stderr </dev/null
  echo $?
done
`;

/** A root directory with one version of systemd in it. */
export class SystemdPeer {
  readonly root: string;
  readonly #shell: ChildProcessByStdio<Writable, Readable, null>;
  readonly #statuses: AsyncIterator<string>;

  /**
   * @param root an empty directory
   * @param usr the `/usr` of a Debian tree
   */
  constructor(root: string, usr: string) {
    this.root = root;
    for (const name of ['usr', 'proc', 'dev', 'tmp', 'run']) mkdirSync(join(root, name), { recursive: true });
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
    for (const [from, to] of [
      [usr, 'usr'],
      ['/proc', 'proc'],
      ['/dev', 'dev'],
    ] as const) {
      execFileSync('mount', ['--bind', from, join(root, to)]);
    }
    const env = { PATH: '/usr/bin:/usr/sbin', LANG: 'C.UTF-8' };
    this.#shell = spawn('chroot', [root, 'sh', '-c', LOOP], { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.#statuses = createInterface({ input: this.#shell.stdout })[Symbol.asyncIterator]();
  }

  /** Runs one command. */
  async ask(command: CommandWord, version?: string): Promise<Answer> {
    const words = [`--component=${COMPONENT}`, '--json=short', command, ...(version === undefined ? [] : [version])];
    this.#shell.stdin.write(`${words.map((word) => `'${word}'`).join(' ')}\n`);
    const { value, done } = await this.#statuses.next();
    if (done) throw new Error(`the shell in ${this.root} has ended`);
    const stdout = readFileSync(join(this.root, 'tmp/stdout'), 'utf8');
    const stderr = readFileSync(join(this.root, 'tmp/stderr'), 'utf8');
    return answerOf(command, Number(value), stdout, `status ${value}\n${stdout}${stderr}`);
  }

  close(): void {
    this.#shell.stdin.end();
  }
}

function answerOf(command: CommandWord, status: number, stdout: string, said: string): Answer {
  switch (command) {
    case 'check-new': {
      // Status 1 is "no" as well as every failure; only an answer comes with a document.
      const document = parse(stdout) as { available: string | null } | undefined;
      return document ? { succeeded: true, candidate: document.available, said } : { succeeded: false, said };
    }
    case 'list': {
      const document = parse(stdout) as Record<string, unknown> | undefined;
      if (!document || status !== 0) return { succeeded: false, said };
      const current = (document.current ?? document['current+pending'] ?? null) as string | null;
      return { succeeded: true, listed: { versions: document.all as string[], current }, said };
    }
    case 'update':
    case 'vacuum':
      return { succeeded: status === 0, said };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
