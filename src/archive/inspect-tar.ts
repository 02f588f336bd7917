/** The first pass over a tar archive: GNU tar lists it, and every entry is judged. */
import { UnsuitableError } from '../errors.ts';
import { EntryRules, shown } from './entry-rules.ts';
import { lineSplitter } from './lines.ts';
import { parseListingLine, type TarEntry } from './listing.ts';
import { Measured } from './measured.ts';
import { FilterFailure } from './program-filter.ts';
import { TarMessages } from './tar-messages.ts';
import { listTar } from './tar-program.ts';

/** Characters of a line: two names of 4095 bytes, each byte at most an escape of four characters, and the rest. */
const LINE_MAX = 36 * 1024;

export interface Inspected {
  /** Entries, with the directories that they imply. */
  readonly entries: number;
  /** Bytes of all files together, holes included. */
  readonly bytes: number;
  /** Bytes of the archive, uncompressed. */
  readonly unpackedBytes: number;
  /** The first entry with extended attributes, as messages show it. */
  readonly withXattrs: string | undefined;
  /** Whether it tells the mode of its own root. */
  readonly hasRoot: boolean;
}

export interface InspectOptions {
  /** What messages call the archive. */
  readonly name: string;
  /** Most bytes of all files together, holes included. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Told of each entry that the rules take. */
  readonly onEntry?: ((entry: TarEntry) => void) | undefined;
}

/**
 * Judges an uncompressed archive.
 * @throws UnsuitableError for one that is refused, damaged or cut off, with the entry; PolicyError over the cap; what
 *   reading throws
 */
export async function inspectTar(archive: AsyncIterable<Uint8Array>, options: InspectOptions): Promise<Inspected> {
  const { name, maxBytes, signal } = options;
  const rules = new EntryRules(name, { maxBytes });
  const messages = new TarMessages();
  const measured = new Measured(archive);
  const split = lineSplitter(LINE_MAX);
  let last: string | undefined;
  let end: { readonly offset: number; readonly marked: boolean } | undefined;
  let withXattrs: string | undefined;
  let unreadable: UnsuitableError | undefined;
  const damaged = (what: string) => {
    const after = last === undefined ? 'at its start' : `after ${last}`;
    return new UnsuitableError(`${name}: the tar archive is damaged or cut off ${after}: ${what}`);
  };
  try {
    for await (const piece of listTar(measured, { signal, onComplaint: (line) => messages.add(line) })) {
      for (const text of split(piece.toString('latin1'))) {
        const line = parseListingLine(text);
        if (line === undefined) unreadable ??= damaged(`an entry that cannot be read: ${shown(text.slice(0, 80))}`);
        else if (line.kind === 'end') end = line;
        else {
          rules.add(line.entry);
          options.onEntry?.(line.entry);
          if (unreadable === undefined) last = shown(line.entry.name);
          if (line.entry.hasXattrs) withXattrs ??= shown(line.entry.name);
        }
      }
    }
  } catch (error) {
    throw error instanceof FilterFailure ? damaged(messages.failure ?? error.message) : error;
  }
  if (unreadable !== undefined) throw unreadable;
  rules.finish();
  if (!end?.marked) throw damaged('the mark at its end is missing');
  if (measured.contentEnd > end.offset) throw damaged('something follows the mark at its end');
  return { entries: rules.count, bytes: rules.bytes, unpackedBytes: measured.size, withXattrs, hasRoot: rules.hasRoot };
}
