/** Reads what extupdate reads of an image, and more, for images that may say anything. */
import { UnsuitableError } from '../../src/errors.ts';
import { openImage } from '../../src/image/open-image.ts';
import { bufferSource } from './buffer-source.ts';
import { releaseFile } from './image-fixtures.ts';

const readLimit = 1024 * 1024;
const directories = ['', 'usr', 'usr/share', 'usr/lib', 'usr/lib/extension-release.d'];
const files = [releaseFile, 'usr/lib/os-release', 'usr/share/prose', 'usr/share/hole', 'usr/link'];
const attributes = [
  [releaseFile, 'user.extension-release.strict'],
  [releaseFile, 'user.unset'],
  ['usr/lib/os-release', 'user.long'],
] as const;

/**
 * @returns the messages of refusals
 * @throws Error for anything but an UnsuitableError of one line, content over the limit, or a name that leads elsewhere
 */
export async function readHostileImage(bytes: Buffer): Promise<string[]> {
  const refusals: string[] = [];
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnsuitableError)) throw error;
      if (!/^hostile\.raw: [^\n]+$/.test(error.message))
        throw new Error(`not one line with the name: ${error.message}`);
      refusals.push(error.message);
      return undefined;
    }
  };
  const image = await attempt(() => openImage(bufferSource(bytes, 'hostile.raw')));
  if (image === undefined) return refusals;
  for (const path of directories) {
    const names = await attempt(() => image.readDirectory(path));
    const bad = names?.find((name) => name === '' || name === '.' || name === '..' || /[/\0]/.test(name));
    if (bad !== undefined) throw new Error(`a name that leads elsewhere: ${JSON.stringify(bad)}`);
  }
  for (const path of files) {
    const content = await attempt(() => image.readFile(path, readLimit));
    if (content !== undefined && content.length > readLimit) throw new Error(`${path}: ${content.length} bytes`);
  }
  for (const [path, name] of attributes) await attempt(() => image.readXattr(path, name));
  return refusals;
}
