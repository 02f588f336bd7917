/**
 * Puts a list and its signature in the place of those before. Two files cannot be replaced at once: whoever fetches them
 * in between gets two that do not belong together. extupdate then fetches both again; systemd refuses, and is right at its
 * next run. Clients ask for the list first, so it is replaced first, and the signature with the next system call.
 */
import { lstatSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createExclusive,
  dropFile,
  syncDirectory,
  temporaryPath,
  writeAll,
  writeFileAtomic,
} from '../os/atomic-file.ts';
import { storageError } from '../os/storage-error.ts';
import { LIST_NAME, SIGNATURE_NAME } from './file-names.ts';

const MODE = 0o644;

/** What is written and removed, all names within the directory. */
export interface Replacement {
  /** Files beside the payloads that the list names: there before it is. */
  readonly beside: readonly { readonly name: string; readonly content: string }[];
  /** Payloads that have not been listed before: on disk before they are. */
  readonly fresh: readonly string[];
  /** Undefined where it stays as it is. */
  readonly list: Buffer | undefined;
  /** Undefined where there is none, or it stays as it is. */
  readonly signature: Buffer | undefined;
  /** Names of signatures that clients would take for those of the new list; they go with the old one. */
  readonly staleSignatures: readonly string[];
  /** Names that the new list does not need any more. */
  readonly remove: readonly string[];
  /** Called before anything is written, and right before the list is replaced; what it throws ends the replacement. */
  readonly check: () => Promise<void>;
}

/**
 * Writes all of it, in the order that hurts clients least.
 * @throws StorageError, and what `check` throws; then clients find what they found before
 */
export async function replaceList(directory: string, replacement: Replacement): Promise<void> {
  const place = (name: string) => join(directory, name);
  const { beside, fresh, list, signature, staleSignatures, remove, check } = replacement;
  const ready: [temporary: string, to: string][] = [];
  try {
    await check();
    for (const { name, content } of beside) await writeFileAtomic(place(name), content, MODE);
    for (const name of fresh) await syncFile(place(name));
    if (list) ready.push([await writeReady(place(LIST_NAME), list), place(LIST_NAME)]);
    if (signature) ready.push([await writeReady(place(SIGNATURE_NAME), signature), place(SIGNATURE_NAME)]);
    await check();
    // At once: nothing else of this process comes in between, no signal either.
    for (const [temporary, to] of ready) renameSync(temporary, to);
    for (const name of staleSignatures) rmSync(place(name), { force: true });
    await syncDirectory(directory);
    for (const name of remove) rmSync(place(name), { force: true });
    if (remove.length > 0) await syncDirectory(directory);
  } catch (error) {
    for (const [temporary] of ready) await dropFile(temporary);
    throw storageError(directory, error);
  }
}

/** Writes what is to take the place of a file, durably. @returns its path */
async function writeReady(path: string, content: Buffer): Promise<string> {
  const temporary = temporaryPath(path);
  const handle = await createExclusive(temporary, MODE);
  try {
    await writeAll(handle, [content], 0);
    setLaterTime(temporary, path);
    await handle.sync();
    return temporary;
  } catch (error) {
    await dropFile(temporary);
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Servers tell by size and time, in whole seconds, whether a client has a file already: two lists of a second, or one that
 * a clock which was set back has dated, would be the same to them.
 */
function setLaterTime(temporary: string, path: string): void {
  const before = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  const now = lstatSync(temporary).mtimeMs;
  const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);
  if (before === undefined || seconds(now) > seconds(before)) return;
  utimesSync(temporary, seconds(before) + 1, seconds(before) + 1);
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
