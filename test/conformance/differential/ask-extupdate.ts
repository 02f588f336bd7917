/** extupdate, inside this process: its command line, with what it prints told apart from what others print meanwhile. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { rmSync } from 'node:fs';
import { runCli } from '../../../src/cli/cli.ts';
import type { Document } from '../../../src/cli/document.ts';
import { SOURCES_PATH } from '../../../src/source/source-memory.ts';
import type { Answer } from './observation.ts';
import { COMPONENT, type CommandWord } from './scenario.ts';

interface Printed {
  stdout: string;
  stderr: string;
}

const printed = new AsyncLocalStorage<Printed>();

/** Has to be called once, before {@link askExtupdate}. */
export function captureOutput(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const write = process[name].write.bind(process[name]);
    process[name].write = ((text: string | Uint8Array, ...rest: never[]) => {
      const store = printed.getStore();
      if (!store) return write(text, ...rest);
      store[name] += text.toString();
      return true;
    }) as typeof process.stdout.write;
  }
}

/** Runs on the host below `root` what stands for a command of systemd-sysupdate. */
export async function askExtupdate(
  root: string,
  command: CommandWord,
  version?: string,
): Promise<Answer & { readonly document?: Document }> {
  const target = version === undefined ? COMPONENT : `${COMPONENT}@${version}`;
  const words = { 'check-new': ['check', COMPONENT], update: ['apply', target], vacuum: ['gc'], list: ['list'] };
  const output: Printed = { stdout: '', stderr: '' };
  // The publishers of scenarios go back as they like, which is refused where it is remembered (U147).
  rmSync(`${root}${SOURCES_PATH}`, { recursive: true, force: true });
  const argv = [...words[command], `--root=${root}`, '--json=short'];
  const interruption = { signal: new AbortController().signal, endsByItself: () => {} };
  const status = await printed.run(output, () => runCli(argv, interruption));
  const said = `status ${status}\n${output.stdout}${output.stderr}`;
  const document = parse(output.stdout);
  if (!document) return { succeeded: false, said };
  const [component] = document.components;
  // What it has found counts even when it complains.
  const common = { succeeded: status === 0, said, document };
  if (command === 'check-new') return { ...common, candidate: component?.candidate ?? null };
  if (command !== 'list') return common;
  const versions = (component?.versions ?? []).filter(({ available, installed }) => available || installed);
  const current = component?.current ?? null;
  return { ...common, listed: { versions: versions.map((one) => one.version), current } };
}

function parse(text: string): Document | undefined {
  try {
    return JSON.parse(text) as Document;
  } catch {
    return undefined;
  }
}
