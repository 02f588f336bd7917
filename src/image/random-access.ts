/** Bytes that can be read at any place: a local file, a part of one, or a remote file by HTTP range requests. */
export interface RandomAccess {
  /** Names the source in messages: a path or a URL. */
  readonly name: string;
  /** Total size in bytes. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes from `offset`.
   * @throws UnsuitableError when the range lies outside; StorageError or NetworkError when reading fails.
   */
  read(offset: number, length: number): Promise<Buffer>;
}
