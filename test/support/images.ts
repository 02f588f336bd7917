/** Extension images for tests. */
import { type ImageTree, writeSquashfs } from './squashfs-writer.ts';

export interface ExtensionImage {
  /** What follows `extension-release.` in the image. */
  readonly name: string;
  readonly kind?: 'sysext' | 'confext';
  /** Fields of the release file; `ID=_any` by default. */
  readonly release?: Readonly<Record<string, string>>;
  readonly files?: ImageTree;
}

/** The bytes of a squashfs image with a release file. */
export function extensionImage(image: ExtensionImage): Buffer {
  const directory = image.kind === 'confext' ? 'etc/extension-release.d' : 'usr/lib/extension-release.d';
  const release = Object.entries(image.release ?? { ID: '_any' }).map(([key, value]) => `${key}=${value}\n`);
  return writeSquashfs({ [`${directory}/extension-release.${image.name}`]: release.join(''), ...image.files });
}
