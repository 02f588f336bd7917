/** Reads an image on this machine. */
import { statSync } from 'node:fs';
import { errorCode } from '../os/storage-error.ts';
import type { ImageFacts } from '../types.ts';
import { openDirectory } from './directory.ts';
import { openLocalFile } from './local-file.ts';
import { openImage } from './open-image.ts';
import { readImageFacts } from './read-facts.ts';

/** @returns undefined when it cannot be opened, and where this user may not look into a tree @throws StorageError */
export async function readLocalFacts(place: string): Promise<ImageFacts | undefined> {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory()) return readTreeFacts(place);
  let file: Awaited<ReturnType<typeof openLocalFile>>;
  try {
    file = await openLocalFile(place);
  } catch (error) {
    if ((error as { code?: string }).code === 'storage') return undefined;
    throw error;
  }
  try {
    return await readImageFacts(() => openImage(file), 'image');
  } finally {
    await file.close();
  }
}

async function readTreeFacts(place: string): Promise<ImageFacts | undefined> {
  try {
    return await readImageFacts(() => openDirectory(place), 'image');
  } catch (error) {
    if (error instanceof Error && ['EACCES', 'EPERM'].includes(errorCode(error.cause) ?? '')) return undefined;
    throw error;
  }
}
