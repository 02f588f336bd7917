/**
 * Which archives are taken: those that unpack to the same tree whatever unpacks them, and to nothing outside of it.
 * Pure: judges entries, in the order of the archive, as a listing tells them.
 */
import { PolicyError, UnsuitableError } from '../errors.ts';
import type { TarEntry } from './listing.ts';

/** Most entries of an archive, directories that it only implies included: a whole /usr has a tenth of it. */
export const ENTRIES_MAX = 500_000;
/** Most bytes of all names together: they are held in memory. */
export const NAME_BYTES_MAX = 64 * 1024 * 1024;
/** Linux: PATH_MAX without its NUL, and NAME_MAX. */
const PATH_BYTES_MAX = 4095;
const COMPONENT_BYTES_MAX = 255;
/** Linux: links that are followed in one path. */
const LINKS_MAX = 40;
/** Characters of paths that are looked at to follow all symbolic links: some seconds' worth, a whole /usr needs 10⁷. */
const FOLLOW_MAX = 500_000_000;
/** What a step costs beside the characters of its path. */
const STEP_WEIGHT = 50;

export interface RuleLimits {
  /** Most bytes of all files together, holes included. */
  readonly maxBytes: number;
  readonly maxEntries?: number;
}

/** A name in the tree: components only. The root is ''. */
type Path = string;

/** Judges the entries of one archive. */
export class EntryRules {
  readonly #archive: string;
  readonly #limits: RuleLimits;
  /** What stands at each path, as of the last entry for it; of a symbolic link, its target. */
  readonly #tree = new Map<Path, { readonly kind: TarEntry['kind']; readonly target?: string | undefined }>();
  /** Directories on the way to entries, each with the name of the first entry that goes through it. */
  readonly #ways = new Map<Path, string>();
  #count = 0;
  #nameBytes = 0;
  #bytes = 0;
  #followed = 0;

  /** @param archive what messages call the archive */
  constructor(archive: string, limits: RuleLimits) {
    this.#archive = archive;
    this.#limits = limits;
  }

  /** Bytes of the files so far, holes included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether an entry has told of the root itself. */
  get hasRoot(): boolean {
    return this.#tree.has('');
  }

  /** Entries so far, with the directories that they imply. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes the next entry.
   * @throws UnsuitableError that names the entry and says why it is refused; PolicyError over the cap
   */
  add(entry: TarEntry): void {
    this.#checkKind(entry);
    const path = this.#pathOf(entry);
    if (path === '' && entry.kind !== 'directory') this.#refuse(entry, 'the root of the archive is not a directory');
    this.#countIn(entry);
    if (entry.kind === 'hardlink') this.#checkHardLink(entry);
    if (entry.kind === 'symlink') this.#checkSymbolicLink(entry, path);
    this.#checkSameName(entry, path);
    this.#checkWay(entry, path);
    this.#tree.set(path, {
      kind: entry.kind === 'hardlink' ? 'file' : entry.kind,
      ...(entry.kind === 'symlink' ? { target: entry.target } : {}),
    });
  }

  /**
   * Judges what only the whole archive tells.
   * @throws UnsuitableError
   */
  finish(): void {
    if (this.#count === 0) throw new UnsuitableError(`${this.#archive}: the archive has no entries`);
    for (const [path, { kind, target }] of this.#tree) {
      if (kind === 'symlink' && this.#climbsOut(path, target ?? '')) {
        throw new UnsuitableError(
          `${this.#archive}: ${shown(path)}: the symbolic link leads above the root of the archive: ${shown(target ?? '')}`,
        );
      }
    }
  }

  #checkKind(entry: TarEntry): void {
    if (entry.kind === 'other') this.#refuse(entry, TYPES[entry.type] ?? `unknown type of entry (${entry.type})`);
    // Unpackers disagree on whether such data is there; old incremental backups keep lists in it.
    if (entry.kind === 'directory' && entry.size > 0) {
      this.#refuse(entry, 'a directory with data (an incremental backup?)');
    }
    if (entry.kind !== 'file' && entry.size > 0) this.#refuse(entry, 'a link with data');
  }

  #pathOf({ name }: TarEntry): Path {
    const refuse = (reason: string) => this.#refuse({ name }, reason);
    if (/\p{Cc}/u.test(utf8(name))) refuse('control character in the name');
    if (name.startsWith('/')) refuse('absolute name');
    if (name.length > PATH_BYTES_MAX) refuse(`the name is longer than ${PATH_BYTES_MAX} bytes`);
    const components = componentsOf(name);
    if (components.includes('..')) refuse('".." in the name');
    if (components.some(({ length }) => length > COMPONENT_BYTES_MAX)) {
      refuse(`a part of the name is longer than ${COMPONENT_BYTES_MAX} bytes`);
    }
    return components.join('/');
  }

  #countIn(entry: TarEntry): void {
    const { maxBytes } = this.#limits;
    this.#bytes += entry.size;
    this.#nameBytes += entry.name.length + (entry.target?.length ?? 0);
    this.#countOne(entry);
    if (this.#nameBytes > NAME_BYTES_MAX) this.#refuse(entry, `the names have more than ${NAME_BYTES_MAX} bytes`);
    if (this.#bytes > maxBytes) {
      throw new PolicyError(
        `${this.#archive}: ${shown(entry.name)}: larger than MaxImageSize= (${maxBytes} bytes) when unpacked`,
        { next: 'raise MaxImageSize= in extupdate.conf if the image is meant to be that large' },
      );
    }
  }

  #countOne(entry: TarEntry): void {
    const { maxEntries = ENTRIES_MAX } = this.#limits;
    this.#count += 1;
    if (this.#count > maxEntries) {
      this.#refuse(entry, `the archive has more than ${maxEntries} entries and directories`);
    }
  }

  #checkHardLink(entry: TarEntry): void {
    const target = entry.target ?? '';
    const refuse = (reason: string) => this.#refuse(entry, `hard link to ${shown(target)}: ${reason}`);
    if (target.startsWith('/')) refuse('absolute target');
    const components = componentsOf(target);
    if (components.includes('..')) refuse('".." in the target');
    const there = this.#tree.get(components.join('/'));
    if (there?.kind !== 'file') refuse('the target is not a file that stands before it in the archive');
  }

  #checkSymbolicLink(entry: TarEntry, path: Path): void {
    const target = entry.target ?? '';
    if (target === '') this.#refuse(entry, 'symbolic link without a target');
    if (target.length > PATH_BYTES_MAX) {
      this.#refuse(entry, `the target of the symbolic link is longer than ${PATH_BYTES_MAX} bytes`);
    }
    if (/\p{Cc}/u.test(utf8(target))) this.#refuse(entry, 'control character in the target of the symbolic link');
    const through = this.#ways.get(path);
    if (through !== undefined)
      this.#refuse({ name: through }, `its path goes through the symbolic link ${shown(path)}`);
  }

  /** Of several entries with one name the last counts, except that GNU tar lets a symbolic link win over later ones. */
  #checkSameName(entry: TarEntry, path: Path): void {
    const before = this.#tree.get(path);
    if (before === undefined || (before.kind !== 'symlink' && entry.kind !== 'symlink')) return;
    if (before.kind === 'symlink' && entry.kind === 'symlink' && before.target === entry.target) return;
    this.#refuse(entry, 'the name is there twice, as a symbolic link and as something else');
  }

  #checkWay(entry: TarEntry, path: Path): void {
    for (let way = parentOf(path); way !== ''; way = parentOf(way)) {
      if (this.#ways.has(way)) return;
      const there = this.#tree.get(way)?.kind;
      if (there === 'symlink') this.#refuse(entry, `its path goes through the symbolic link ${shown(way)}`);
      this.#ways.set(way, entry.name);
      if (there === undefined) this.#countOne(entry);
    }
  }

  /** Follows the links of the archive, as the kernel would with the archive's root as `/`: that is where absolute ones lead. */
  #climbsOut(link: Path, target: string): boolean {
    if (target.startsWith('/')) return false;
    let here = parentOf(link);
    const pending = componentsOf(target).reverse();
    for (let links = 0; links < LINKS_MAX; ) {
      const component = pending.pop();
      if (component === undefined) return false;
      if (component === '..' && here === '') return true;
      const there = component === '..' ? parentOf(here) : join(here, component);
      this.#followed += STEP_WEIGHT + there.length;
      if (this.#followed > FOLLOW_MAX) this.#refuse({ name: link }, 'the symbolic links are too tangled to follow');
      const next = this.#tree.get(there);
      if (next?.kind !== 'symlink' || next.target === undefined) {
        here = there;
        continue;
      }
      if (next.target.startsWith('/')) return false;
      pending.push(...componentsOf(next.target).reverse());
      links += 1;
    }
    return false;
  }

  #refuse({ name }: Pick<TarEntry, 'name'>, reason: string): never {
    throw new UnsuitableError(`${this.#archive}: ${shown(name)}: ${reason}`);
  }
}

const TYPES: Readonly<Record<string, string>> = {
  b: 'a block device',
  c: 'a character device',
  p: 'a FIFO',
  s: 'a socket',
  C: 'a contiguous file',
  M: 'a part of a multi-volume archive',
  V: 'the label of a volume',
};

/** A name as messages show it: quoted, with nothing in it that acts on a terminal, and not too long. */
export function shown(name: string): string {
  const text = utf8(name);
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function componentsOf(name: string): string[] {
  return name.split('/').filter((part) => part !== '' && part !== '.');
}

function join(directory: Path, component: string): Path {
  return directory === '' ? component : `${directory}/${component}`;
}

function parentOf(path: Path): Path {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
