/**
 * A file tree inside an image (or a plain directory), read without mounting it.
 *
 * Paths are relative to the tree's root, without a leading slash: `usr/lib/extension-release.d`. Symbolic links are
 * not followed: release files are regular files, and a link inside an image could point anywhere.
 */
export interface ImageFileSystem {
  readonly type: 'squashfs' | 'erofs' | 'directory';
  /** The names in a directory, without `.` and `..`; undefined when there is no such directory. */
  readDirectory(path: string): Promise<string[] | undefined>;
  /** The content of a regular file; undefined when there is no such file. @throws UnsuitableError over `limit` bytes. */
  readFile(path: string, limit: number): Promise<Buffer | undefined>;
  /** Bytes in a regular file; undefined when there is no such file. */
  fileSize(path: string): Promise<number | undefined>;
  /** The value of an extended attribute, by full name (`user.extension-release.strict`); undefined when unset. */
  readXattr(path: string, name: string): Promise<string | undefined>;
}
