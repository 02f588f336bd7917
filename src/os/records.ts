/** The records of operating systems, one file each, in `/var/lib/extupdate/os/`. */
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Records } from '../resolve/needed-files.ts';
import { OsRecord } from '../resolve/record.ts';
import { syncDirectory } from './atomic-file.ts';
import { resolveInRoot } from './root.ts';
import { readStateFile, writeStateFile } from './state-file.ts';
import { isMissing, storageError } from './storage-error.ts';

const RECORDS_PATH = '/var/lib/extupdate/os';

/** Reads all records; one that is not understood is left out, and moved to `.broken` with `mend`. */
export function readRecords(root: string, mend: boolean): Records {
  const records = new Map<string, OsRecord>();
  for (const file of namesOf(root)) {
    const record = readStateFile(root, `${RECORDS_PATH}/${file}`, OsRecord, mend);
    if (record) records.set(file.slice(0, -'.json'.length), record);
  }
  return records;
}

/** Replaces a record, durably. @throws StorageError */
export function writeRecord(root: string, name: string, record: OsRecord): Promise<void> {
  return writeStateFile(root, `${RECORDS_PATH}/${name}.json`, record);
}

/** Forgets an OS. @throws StorageError */
export async function removeRecord(root: string, name: string): Promise<void> {
  const place = resolveInRoot(root, `${RECORDS_PATH}/${name}.json`);
  try {
    await rm(place, { force: true });
    await syncDirectory(dirname(place));
  } catch (error) {
    throw storageError(place, error);
  }
}

function namesOf(root: string): string[] {
  try {
    return readdirSync(resolveInRoot(root, RECORDS_PATH)).filter(
      (name) => name.endsWith('.json') && !name.startsWith('.'),
    );
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return [];
    throw storageError(RECORDS_PATH, error);
  }
}
