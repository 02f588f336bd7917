/**
 * What was done, in `/var/lib/extupdate/history.jsonl`: one JSON document a line, appended, so that a killed run costs
 * its own line at most.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { makeDirectories, writeFileAtomic } from './atomic-file.ts';
import { resolveInRoot } from './root.ts';
import { isMissing, storageError } from './storage-error.ts';

const HISTORY_PATH = '/var/lib/extupdate/history.jsonl';

/** Lines that are kept; the file is shortened when it holds half as many again. */
const ENTRIES_MAX = 500;

/** Bytes at the end of the file that are read; a full file has a tenth of that. */
const READ_MAX = 8 * 1024 * 1024;

const HistoryEntry = z.looseObject({
  /** RFC 3339. */
  at: z.string(),
  command: z.string(),
  /** Name of the OS's record. */
  os: z.string(),
  done: z.array(
    z.looseObject({
      component: z.string(),
      action: z.string(),
      version: z.string(),
      from: z.nullable(z.string()),
      os: z.optional(z.string()),
    }),
  ),
  errors: z.array(z.looseObject({ component: z.nullable(z.string()), code: z.string(), message: z.string() })),
  /** `at` of the entry that this one took back. */
  undoes: z.optional(z.string()),
});

export type HistoryEntry = z.infer<typeof HistoryEntry>;

/** Oldest first; lines that are not understood are left out. */
export function readHistory(root: string): HistoryEntry[] {
  return linesOf(root).flatMap((line) => {
    try {
      const result = HistoryEntry.safeParse(JSON.parse(line));
      return result.success ? [result.data] : [];
    } catch {
      return [];
    }
  });
}

/** Adds an entry, durably. @throws StorageError */
export async function appendHistory(root: string, entry: HistoryEntry): Promise<void> {
  const place = resolveInRoot(root, HISTORY_PATH);
  const line = JSON.stringify(entry);
  try {
    const lines = linesOf(root);
    if (lines.length >= ENTRIES_MAX * 1.5 || readEnd(root).length === READ_MAX) {
      await writeFileAtomic(place, `${[...lines.slice(1 - ENTRIES_MAX), line].join('\n')}\n`);
      return;
    }
    await makeDirectories(dirname(place));
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const handle = await open(place, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o644);
    try {
      // A line that a killed run left unfinished ends here.
      await handle.appendFile(`${endsInNewline(root) ? '' : '\n'}${line}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageError(HISTORY_PATH, error);
  }
}

/** The lines at the end of the file: what is longer than it can become was not written by us. */
function linesOf(root: string): string[] {
  return readEnd(root)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}

function endsInNewline(root: string): boolean {
  const end = readEnd(root);
  return end.length === 0 || end.at(-1) === 0x0a;
}

function readEnd(root: string): Buffer {
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const file = openSync(resolveInRoot(root, HISTORY_PATH), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const { size } = fstatSync(file);
      const bytes = Buffer.alloc(Math.min(size, READ_MAX));
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, Math.max(0, size - READ_MAX)));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return Buffer.alloc(0);
    throw storageError(HISTORY_PATH, error);
  }
}
