/**
 * Where this program itself comes with an extension that it keeps current: when that has changed, the new program is
 * asked whether it works. The run that asks goes on with its own parts, which it has in memory (see load-part.ts).
 */
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { exitStatus } from '../errors.ts';
import { openLocalFile } from '../image/local-file.ts';
import { openImage } from '../image/open-image.ts';
import { type CommandResult, lastLine, runCommand } from '../os/run-command.ts';
import { hierarchiesOver } from '../os/underlay.ts';
import { PARKED } from '../resolve/exposure.ts';
import type { System } from '../system.ts';
import type { Transfer } from '../types.ts';
import type { Work } from '../work.ts';
import type { Changed } from './activate-set.ts';

/** The program as it was started, before anything was exposed. */
export interface OwnProgram {
  /** How it is started, but for its arguments. */
  readonly command: readonly [string, ...string[]];
  /** The works that change files which it is made of. */
  readonly works: ReadonlySet<Work>;
}

/** The files that this program runs from, as they lie on this host. */
export interface OwnFiles {
  readonly node: string;
  readonly program: string;
}

/** @returns undefined where systemd has merged none of them: they come with no image then */
export function mergedOwnFiles(): OwnFiles | undefined {
  const [, started = ''] = process.argv;
  const files = {
    node: realpathSync(process.execPath),
    program: existsSync(started) ? realpathSync(started) : started,
  };
  return hierarchiesOver(Object.values(files)).some(({ kind }) => kind === 'sysext') ? files : undefined;
}

/**
 * Looks whether the program, or the Node that runs it, is in an image that was visible or is now. Called before systemd
 * merges: afterwards its path may lead elsewhere.
 * @returns undefined where it is not
 */
export async function findOwnProgram(changed: readonly Changed[]): Promise<OwnProgram | undefined> {
  const files = changed.length === 0 ? undefined : mergedOwnFiles();
  if (!files) return undefined;
  const works = new Set<Work>();
  for (const { work, steps } of changed) {
    for (const { transfer, fileName, previous } of steps.filter(({ transfer }) => transfer.kind === 'sysext')) {
      for (const name of new Set([fileName, previous ?? fileName])) {
        const place = placeOf(transfer, name);
        if (place !== undefined && (await filesIn(place, Object.values(files)))?.size !== 0) works.add(work);
      }
    }
  }
  return works.size === 0 ? undefined : { command: commandOf(process.argv[1] ?? ''), works };
}

function commandOf(started: string): OwnProgram['command'] {
  try {
    accessSync(started, constants.X_OK);
    return [started];
  } catch {
    return [process.execPath, started];
  }
}

function placeOf({ target }: Transfer, fileName: string): string | undefined {
  return [join(target.path, fileName), join(target.path, PARKED, fileName)].find((one) => existsSync(one));
}

/**
 * Which of the files, named as on this host, an image or a tree brings.
 * @returns undefined when it cannot be read
 */
export async function filesIn(place: string, files: readonly string[]): Promise<Set<string> | undefined> {
  const found = new Set<string>();
  try {
    if (statSync(place).isDirectory()) {
      for (const path of files) if (existsSync(join(place, path))) found.add(path);
    } else {
      const image = await openLocalFile(place);
      try {
        const tree = await openImage(image);
        for (const path of files) if ((await tree.fileSize(path.slice(1))) !== undefined) found.add(path);
      } finally {
        await image.close();
      }
    }
  } catch {
    return undefined;
  }
  return found;
}

/** How long it may take to answer, in seconds; it may be read from a slow disk for the first time. */
const ANSWER_SEC = 30;

/** Starts the program with some words, for so many milliseconds at most. */
export type Ask = (words: readonly string[], timeoutMs: number) => Promise<CommandResult>;

/** Asks the program that is there now. */
export function tryOwnProgram(
  system: Pick<System, 'definitions'>,
  { command }: Pick<OwnProgram, 'command'>,
): Promise<string | undefined> {
  return tryProgram(system, command[0], (words, timeoutMs) => runCommand([...command, ...words], { timeoutMs }));
}

/**
 * Asks a program for its version, and what it would select: that takes the definitions, the state and the images.
 * @param name what it is called, in messages
 * @returns why it does not work; undefined when it does
 */
export async function tryProgram(
  { definitions }: Pick<System, 'definitions'>,
  name: string,
  ask: Ask,
): Promise<string | undefined> {
  const version = await ask(['--version'], ANSWER_SEC * 1000);
  if (version.status !== 0) return `"${name} --version" ended with ${ending(version)}`;
  const selection = await ask(['select', '--dry-run', '--json=short'], ANSWER_SEC * 1000);
  // Other failures are those of the host. Definitions that this program could read, the next one has to.
  const faults = [
    -1,
    exitStatus.unexpected,
    exitStatus.usage,
    ...(definitions.broken.length === 0 ? [exitStatus.config] : []),
  ];
  if (!faults.includes(selection.status) && isDocument(selection.stdout)) return undefined;
  return `"${name} select --dry-run" ended with ${ending(selection)}`;
}

function ending(result: CommandResult): string {
  const how = result.status === -1 ? 'no status' : `status ${result.status}`;
  return `${result.stdout}${result.stderr}`.trim() === '' ? how : `${how}: ${lastLine(result)}`;
}

function isDocument(text: string): boolean {
  try {
    const document = JSON.parse(text) as { readonly format?: unknown; readonly components?: unknown };
    return Number.isSafeInteger(document.format) && Array.isArray(document.components);
  } catch {
    return false;
  }
}
