/** Reads an image on this machine. */
import { statSync } from 'node:fs';
import type { ImageFacts } from '../types.ts';
import { openDirectory } from './directory.ts';
import { openLocalFile } from './local-file.ts';
import { openImage } from './open-image.ts';
import { readImageFacts } from './read-facts.ts';

/** @returns undefined when it cannot be opened by this user */
export async function readLocalFacts(place: string): Promise<ImageFacts | undefined> {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory()) {
    return readImageFacts(() => openDirectory(place), 'image');
  }
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
