import { createReadStream } from 'node:fs';
import { readRegular } from '../os/regular-file.ts';
import type { Payload } from '../source/source.ts';

/** The bytes of a payload's file, from its beginning; what is staged may be another user's, who may be at it still. */
export function bytesOf({ path, staged }: Pick<Payload, 'path' | 'staged'>): AsyncIterable<Uint8Array> {
  return staged ? readRegular(path) : createReadStream(path);
}
