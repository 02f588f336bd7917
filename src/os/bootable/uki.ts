/** Unified kernel images: EFI programs that carry the os-release of the OS they boot (UAPI.5) in a section `.osrel`. */
import { statSync } from 'node:fs';
import { ConfigError } from '../../errors.ts';
import { openLocalFile } from '../../image/local-file.ts';
import { unsuitable } from '../../image/part.ts';
import type { ReleaseFields } from '../../types.ts';
import { resolveInRoot } from '../root.ts';
import { type UkiCandidate, ukiCandidates } from './boot-entries.ts';
import { type Discovery, type FoundOs, problemText } from './found-os.ts';
import { readPeSection } from './pe-section.ts';
import { parseReleaseBytes } from './tree-release.ts';

/**
 * The UKIs on the boot partitions, each once however many mount points and entries lead to it.
 * @returns undefined where there is none and nothing went wrong
 */
export async function findUkis(root: string): Promise<Discovery | undefined> {
  const found: FoundOs[] = [];
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const candidate of ukiCandidates(root, problems)) {
    try {
      const uki = await lookInto(root, candidate, seen);
      if (uki) found.push(uki);
    } catch (error) {
      const namedBy = candidate.namedBy === undefined ? '' : ` (named by ${candidate.namedBy})`;
      problems.push(problemText(error) + namedBy);
    }
  }
  return found.length === 0 && problems.length === 0 ? undefined : { found, problems };
}

/** @returns undefined for a file that was seen before, or that need not be a UKI and is none */
async function lookInto(root: string, candidate: UkiCandidate, seen: Set<string>): Promise<FoundOs | undefined> {
  const { path, onPartition, certain } = candidate;
  const place = resolveInRoot(root, path);
  const identity = identityOf(place);
  if (identity !== undefined && isRepeated(seen, identity)) return undefined;
  const content = await readSection(place, path);
  if (content === undefined) {
    if (!certain) return undefined;
    throw unsuitable({ name: path }, 'not a unified kernel image: has no section .osrel');
  }
  const fields = parseReleaseBytes(`${path}: .osrel`, content);
  // Inode numbers of FAT are made up at each mount. The same name alone could be another OS of another partition.
  if (isRepeated(seen, `${onPartition}\n${JSON.stringify(fields)}`)) return undefined;
  return { fields, origin: 'uki', where: path };
}

/**
 * Reads the os-release of one UKI.
 * @param path absolute path on this machine
 * @throws UnsuitableError when it is none; StorageError; ConfigError also when there is no such file
 */
export async function readUki(path: string): Promise<ReleaseFields> {
  if (!statSync(path, { throwIfNoEntry: false })) {
    throw new ConfigError(`${path}: there is no such file`, { next: 'name the unified kernel image of the other OS' });
  }
  const content = await readSection(path, path);
  if (content === undefined) throw unsuitable({ name: path }, 'not a unified kernel image: has no section .osrel');
  return parseReleaseBytes(`${path}: .osrel`, content);
}

/** Device and inode; undefined where the file cannot be looked at, which opening it will tell better. */
function identityOf(place: string): string | undefined {
  try {
    const { dev, ino } = statSync(place, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function isRepeated(seen: Set<string>, key: string): boolean {
  const repeated = seen.has(key);
  seen.add(key);
  return repeated;
}

async function readSection(place: string, path: string): Promise<Uint8Array | undefined> {
  const file = await openLocalFile(place).catch((error: unknown) => {
    const text = problemText(error);
    throw unsuitable({ name: path }, text.startsWith(`${place}: `) ? text.slice(place.length + 2) : text);
  });
  try {
    return await readPeSection({ ...file, name: path }, '.osrel');
  } finally {
    await file.close();
  }
}
