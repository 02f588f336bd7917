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

/**
 * Looks whether the program, or the Node that runs it, is in an image that was visible or is now. Called before systemd
 * merges: afterwards its path may lead elsewhere.
 * @returns undefined where it is not
 */
export async function findOwnProgram(changed: readonly Changed[]): Promise<OwnProgram | undefined> {
  const [, started = ''] = process.argv;
  const files = [existsSync(started) ? realpathSync(started) : started, realpathSync(process.execPath)];
  // Programs that systemd has not merged come with no image.
  if (changed.length === 0 || !hierarchiesOver(files).some(({ kind }) => kind === 'sysext')) return undefined;
  const works = new Set<Work>();
  for (const { work, steps } of changed) {
    for (const { transfer, fileName, previous } of steps.filter(({ transfer }) => transfer.kind === 'sysext')) {
      for (const name of new Set([fileName, previous ?? fileName])) {
        if (await hasAny(transfer, name, files)) works.add(work);
      }
    }
  }
  return works.size === 0 ? undefined : { command: commandOf(started), works };
}

function commandOf(started: string): OwnProgram['command'] {
  try {
    accessSync(started, constants.X_OK);
    return [started];
  } catch {
    return [process.execPath, started];
  }
}

/** Whether a version has one of the files; what cannot be read may have them. */
async function hasAny({ target }: Transfer, fileName: string, files: readonly string[]): Promise<boolean> {
  const places = [join(target.path, fileName), join(target.path, PARKED, fileName)];
  const place = places.find((one) => existsSync(one));
  if (place === undefined) return false;
  if (statSync(place).isDirectory()) return files.some((path) => existsSync(join(place, path)));
  try {
    const image = await openLocalFile(place);
    try {
      const tree = await openImage(image);
      for (const path of files) if ((await tree.fileSize(path.slice(1))) !== undefined) return true;
      return false;
    } finally {
      await image.close();
    }
  } catch {
    return true;
  }
}

/** How long it may take to answer, in seconds; it may be read from a slow disk for the first time. */
const ANSWER_SEC = 30;

/**
 * Asks the program that is there now for its version, and what it would select: that takes the definitions, the state
 * and the images.
 * @returns why it does not work; undefined when it does
 */
export async function tryOwnProgram(
  { definitions }: Pick<System, 'definitions'>,
  { command }: Pick<OwnProgram, 'command'>,
): Promise<string | undefined> {
  const ask = (...words: string[]) => runCommand([...command, ...words], { timeoutMs: ANSWER_SEC * 1000 });
  const version = await ask('--version');
  if (version.status !== 0) return `"${command[0]} --version" ended with ${ending(version)}`;
  const selection = await ask('select', '--dry-run', '--json=short');
  // Other failures are those of the host. Definitions that this program could read, the next one has to.
  const faults = [
    -1,
    exitStatus.unexpected,
    exitStatus.usage,
    ...(definitions.broken.length === 0 ? [exitStatus.config] : []),
  ];
  if (!faults.includes(selection.status) && isDocument(selection.stdout)) return undefined;
  return `"${command[0]} select --dry-run" ended with ${ending(selection)}`;
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
