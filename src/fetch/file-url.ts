/**
 * `file://` in the place of a web server: a mirror on a disk. sysupdate.d(5) does not tell of it, and systemd-sysupdate
 * takes it for every url source.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isMissing, storageError } from '../os/storage-error.ts';
import type { HttpResponse } from './http.ts';

export function isFileUrl(url: string): boolean {
  return url.startsWith('file://');
}

/** Answers as a server would: 200 with the whole file, 404 where there is none. @throws StorageError */
export async function getFile(url: string): Promise<HttpResponse> {
  const path = fileURLToPath(url);
  try {
    const handle = await open(path, 'r');
    const { size, isFile } = await handle.stat().then((info) => ({ size: info.size, isFile: info.isFile() }));
    if (isFile) return answer(url, 200, { 'content-length': String(size) }, handle.createReadStream());
    await handle.close();
  } catch (error) {
    if (!isMissing(error)) throw storageError(path, error);
  }
  return answer(url, 404, {}, createReadStream('/dev/null'));
}

function answer(
  url: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: ReturnType<typeof createReadStream>,
): HttpResponse {
  // A body that nobody reads any more may still fail; that is nobody's error.
  body.on('error', () => {});
  return { url, status, header: (name) => headers[name.toLowerCase()], body };
}
