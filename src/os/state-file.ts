/**
 * Files in which extupdate remembers things: JSON, judged by a schema, replaced durably. One that cannot be understood
 * is put aside and counts as missing: what matters for safety can be read off the disk.
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import type * as z from 'zod/mini';
import { writeFileAtomic } from './atomic-file.ts';
import { resolveInRoot } from './root.ts';
import { isMissing, storageError } from './storage-error.ts';

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
  const place = resolveInRoot(root, path);
  let text: string;
  try {
    text = readFileSync(place, 'utf8');
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw storageError(path, error);
  }
  const parsed = parse(text, schema);
  if (parsed === undefined && mend) {
    try {
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
