/** The files on boot partitions that may be unified kernel images (UKIs), by the Boot Loader Specification (UAPI.1). */
import { posix } from 'node:path';
import { entriesOf, readBoundedFile } from '../bounded-file.ts';
import { problemText } from './found-os.ts';

/** Where the ESP and the extended boot partition are mounted; several of them can be the same partition. */
const PARTITIONS = ['/efi', '/boot/efi', '/boot'];

export interface UkiCandidate {
  /** Inside the root. */
  readonly path: string;
  /** Inside its partition. */
  readonly onPartition: string;
  /** The entry that names it; undefined for a file that is found by its place. */
  readonly namedBy?: string;
  /** Whether it must be a UKI: `efi` entries also start memory tests and other boot loaders. */
  readonly certain: boolean;
}

/** Type 2 entries (files in `EFI/Linux/`) and the files that type 1 entries name, in the order of the partitions. */
export function ukiCandidates(root: string, problems: string[]): UkiCandidate[] {
  return PARTITIONS.flatMap((partition) => [
    ...placedUkis(root, partition, problems),
    ...namedUkis(root, partition, problems),
  ]);
}

/** Names may end in `+LEFT-DONE.efi`, the count of boot attempts; one without attempts left can still be chosen. */
function placedUkis(root: string, partition: string, problems: string[]): UkiCandidate[] {
  return filesIn(root, `${partition}/EFI/Linux`, /\.efi$/i, problems).map((path) => {
    return { path, onPartition: path.slice(partition.length), certain: true };
  });
}

function namedUkis(root: string, partition: string, problems: string[]): UkiCandidate[] {
  const candidates: UkiCandidate[] = [];
  for (const namedBy of filesIn(root, `${partition}/loader/entries`, /\.conf$/i, problems)) {
    try {
      const bytes = readBoundedFile(root, namedBy);
      for (const [key, value] of assignmentsOf(bytes?.toString('utf8') ?? '')) {
        if (key !== 'efi' && key !== 'uki') continue;
        if (/[\0-\x1f\x7f]/.test(value)) {
          problems.push(`${namedBy}: ${key} names a file with a control character`);
          continue;
        }
        // Firmware separates with backslashes, and so may an entry. Normalized, `..` cannot leave the partition.
        const onPartition = posix.normalize(`/${value.replaceAll('\\', '/')}`);
        candidates.push({ path: partition + onPartition, onPartition, namedBy, certain: key === 'uki' });
      }
    } catch (error) {
      problems.push(problemText(error));
    }
  }
  return candidates;
}

/** Lines of a type 1 entry: a key, blanks, a value. */
function assignmentsOf(text: string): [key: string, value: string][] {
  return text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const match = /^[ \t]*([^ \t#]+)[ \t]+(.*?)[ \t]*$/s.exec(line);
    return match?.[1] && match[2] ? [[match[1], match[2]]] : [];
  });
}

function filesIn(root: string, directory: string, pattern: RegExp, problems: string[]): string[] {
  try {
    const names = entriesOf(root, directory)?.map(({ name }) => name) ?? [];
    return names.filter((name) => pattern.test(name)).map((name) => `${directory}/${name}`);
  } catch (error) {
    problems.push(problemText(error));
    return [];
  }
}
