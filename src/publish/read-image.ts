/** What clients would find in an image or an archive: the same readers and rules, the same cap. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectTar } from '../archive/inspect-tar.ts';
import type { TarEntry } from '../archive/listing.ts';
import { type Payload, readPayload, readPayloadAgain } from '../archive/payload.ts';
import { FilterFailure } from '../archive/program-filter.ts';
import { TarMessages } from '../archive/tar-messages.ts';
import { extractTar, requireGnuTar } from '../archive/tar-program.ts';
import { defaultConfig } from '../definition/config.ts';
import { PolicyError, TrustError, UnsuitableError } from '../errors.ts';
import { compressionOf } from '../image/file-compression.ts';
import { readLocalFacts } from '../image/read-local-facts.ts';
import { createExclusive, writeStream } from '../os/atomic-file.ts';
import { readRegular } from '../os/regular-file.ts';
import { inScratchDirectory } from '../os/scratch-directory.ts';
import { watchSpace } from '../os/space.ts';
import { storageError } from '../os/storage-error.ts';
import type { ImageFacts } from '../types.ts';
import { partsOf } from './file-names.ts';
import { type ImageVerdict, judgePublished } from './judge-image.ts';
import { changed, type SteadyFile } from './steady-file.ts';

/** As much as clients take where nobody has configured something else. */
const maxBytes = defaultConfig.maxImageSize;

/**
 * Judges a file by its content.
 * @param file what it was when it was hashed: other content is not judged
 * @returns undefined for what has the name of neither image nor archive
 * @throws StorageError, also when its content has changed
 */
export async function readPublished(
  directory: string,
  name: string,
  { sha256, size }: Pick<SteadyFile, 'sha256' | 'size'>,
  signal?: AbortSignal,
): Promise<ImageVerdict | undefined> {
  const { form, imageName } = partsOf(name);
  if (form === 'other') return undefined;
  if (size > maxBytes) return { verdict: 'unsuitable', reason: 'larger than the 16 GiB that clients take by default' };
  const path = join(directory, name);
  const payload: Payload = { name, open: () => readRegular(path), sha256, maxBytes, signal };
  try {
    const facts = form === 'image' ? await readImage(path, payload) : await readArchive(payload);
    return judgePublished(facts, imageName, form);
  } catch (error) {
    // Neither can be loaded by anyone.
    if (error instanceof UnsuitableError || error instanceof PolicyError) {
      return { verdict: 'unsuitable', reason: withoutName(error.message, name) };
    }
    throw error instanceof TrustError ? changed(name) : storageError(path, error);
  }
}

/** Reads an image where it lies, or, a compressed one, from an unpacked copy. */
async function readImage(path: string, payload: Payload): Promise<ImageFacts> {
  if ((await compressionOf(path)) === undefined) return factsOf(path, path);
  return inScratchDirectory('publish', async (scratch) => {
    const copy = join(scratch, 'image');
    await readPayload(payload, (bytes) => writeCopy(copy, scratch, bytes));
    return factsOf(copy, copy);
  });
}

async function writeCopy(path: string, scratch: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  // Another decoder may have begun one.
  await rm(path, { force: true });
  const handle = await createExclusive(path, 0o600);
  try {
    await writeStream(handle, bytes, watchSpace(scratch));
  } finally {
    await handle.close();
  }
}

/** Judges every entry of an archive, and unpacks its release files only. */
async function readArchive(payload: Payload): Promise<ImageFacts> {
  await requireGnuTar();
  const members: string[] = [];
  let hasOsRelease = false;
  const onEntry = ({ kind, name }: TarEntry) => {
    const path = name.replace(/^(\.\/)+/, '').replace(/\/$/, '');
    if (path === 'usr/lib/os-release') hasOsRelease = true;
    const isRelease = /^(usr\/lib|etc)\/extension-release\.d\/extension-release\.[^/]+$/.test(path);
    if (isRelease && kind === 'file') members.push(Buffer.from(name, 'latin1').toString('utf8'));
  };
  const judged = await readPayload(payload, (bytes) => {
    members.length = 0;
    return inspectTar(bytes, { ...payload, onEntry });
  });
  if (members.length === 0) return { origin: 'image', sysext: [], confext: [], hasOsRelease };
  return inScratchDirectory('publish', async (scratch) => {
    await readPayloadAgain(payload, judged, (bytes) => extract(bytes, scratch, members));
    return { ...(await factsOf(scratch, scratch)), hasOsRelease };
  });
}

async function extract(archive: AsyncIterable<Uint8Array>, to: string, members: readonly string[]): Promise<void> {
  const messages = new TarMessages();
  try {
    await extractTar(archive, to, { members, onComplaint: (line) => messages.add(line) });
  } catch (error) {
    if (!(error instanceof FilterFailure)) throw error;
    throw new UnsuitableError(`tar cannot unpack it: ${messages.failure ?? error.message}`, { cause: error });
  }
}

async function factsOf(path: string, shown: string): Promise<ImageFacts> {
  const facts = await readLocalFacts(path);
  if (facts === undefined) throw new UnsuitableError('it cannot be read');
  return facts.defect === undefined ? facts : { ...facts, defect: withoutName(facts.defect, shown) };
}

function withoutName(message: string, name: string): string {
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}
