/** Files as they will stand on a system, before they are written anywhere. */
import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A path below the destination, with what is there: content, a link, or another name of a file that is not changed. */
export type PlacedFile = { readonly path: string } & (
  | { readonly content: string | Buffer; readonly mode: 0o644 | 0o755 }
  | { readonly linkTo: string }
  | { readonly hardLinkTo: string }
);

/**
 * Writes files, over what is there; whoever writes them, the tree is the same.
 * @throws Error when two of them have the same path
 */
export function writePlaced(destination: string, files: readonly PlacedFile[]): void {
  const twice = files.find(({ path }, index) => files.findIndex((other) => other.path === path) !== index);
  if (twice) throw new Error(`${twice.path}: two files for one place`);
  process.umask(0o022);
  for (const file of files) {
    const path = join(destination, file.path);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    if ('linkTo' in file) symlinkSync(file.linkTo, path);
    else if ('hardLinkTo' in file) linkSync(file.hardLinkTo, path);
    else {
      writeFileSync(path, file.content);
      chmodSync(path, file.mode);
    }
  }
}
