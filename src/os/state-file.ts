/**
 * Files in which extupdate remembers things: JSON, judged by a schema, replaced durably. One that cannot be understood
 * is put aside and counts as missing: what matters for safety can be read off the disk.
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import type * as z from 'zod/mini';
import { writeFileAtomic } from './atomic-file.ts';
import { readBoundedFile } from './bounded-file.ts';
import { resolveInRoot } from './root.ts';
import { storageError } from './storage-error.ts';

/** Largest file that is read, in bytes: thousands of times what is written. */
const STATE_SIZE_MAX = 32 * 1024 * 1024;

/**
 * Reads a file; undefined when it is missing, not allowed to be read, or not understood.
 * @param path as seen inside the root
 * @param mend whether one that is not understood is moved to `.broken`, where the file system allows it
 * @throws StorageError when it is there and reading fails
 */
export function readStateFile<T extends z.ZodMiniType>(
  root: string,
  path: string,
  schema: T,
  mend: boolean,
): z.infer<T> | undefined {
  let bytes: Buffer | undefined;
  try {
    bytes = readBoundedFile(root, path, STATE_SIZE_MAX);
    if (bytes === undefined) return undefined;
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    if (cause?.code === 'EACCES') return undefined;
    // A system call failed; what is no file of a sensible size is not understood.
    if (cause !== undefined) throw error;
  }
  const parsed = bytes && parse(bytes.toString(), schema);
  if (parsed === undefined && mend) {
    try {
      const place = resolveInRoot(root, path, false);
      renameSync(place, `${place}.broken`);
    } catch {
      // It will be overwritten by the next good one.
    }
  }
  return parsed;
}

/** Replaces a file, durably; what is on disk already is not written again. @throws StorageError */
export async function writeStateFile(root: string, path: string, value: unknown): Promise<void> {
  const place = resolveInRoot(root, path);
  const text = `${JSON.stringify(value, undefined, 1)}\n`;
  try {
    if (!existsSync(place) || readFileSync(place, 'utf8') !== text) await writeFileAtomic(place, text);
  } catch (error) {
    throw storageError(path, error);
  }
}

function parse<T extends z.ZodMiniType>(text: string, schema: T): z.infer<T> | undefined {
  try {
    const result = schema.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
