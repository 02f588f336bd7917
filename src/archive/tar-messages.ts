/** What GNU tar says on standard error, sorted by what it means. Pure. */

/** Lines of a kind that are kept. */
const KEPT_MAX = 10;

/** What is only said once more, or of no interest. */
const NOISE =
  /^tar: (?:Exiting with failure status|Removing leading |Substituting |Ignoring unknown |A lone zero block)/;
const LOST_XATTR = /: Cannot set '(?<attribute>[^']*)' extended attribute/;
const NO_XATTRS = /XATTR support is not available/;
const TOLERATED = /support is not available|time stamp|Extracting contiguous|^tar: Record size/;

export class TarMessages {
  /** The first message that tells why tar failed. */
  failure: string | undefined;
  /** The first message about a file capability that could not be set. */
  lostCapability: string | undefined;
  /** This tar was built without extended attributes. */
  withoutXattrs = false;
  readonly #notices: string[] = [];

  /** What tar tells of an archive that it has unpacked all the same: the first few of such messages. */
  get notices(): readonly string[] {
    return this.failure === undefined ? this.#notices : [this.failure, ...this.#notices];
  }

  /** Takes a line of standard error. */
  add(line: string): void {
    if (line.trim() === '' || NOISE.test(line)) return;
    const text = line.replace(/^tar: /, '').trim();
    const lost = LOST_XATTR.exec(line)?.groups?.attribute;
    if (lost === undefined && !TOLERATED.test(line)) {
      this.failure ??= text;
      return;
    }
    if (lost === 'security.capability') this.lostCapability ??= text;
    if (NO_XATTRS.test(line)) this.withoutXattrs = true;
    if (this.#notices.length < KEPT_MAX) this.#notices.push(text);
  }
}

const ERRNO: Readonly<Record<string, string>> = {
  'No space left on device': 'ENOSPC',
  'Disk quota exceeded': 'EDQUOT',
  'Read-only file system': 'EROFS',
  'Input/output error': 'EIO',
  'Permission denied': 'EACCES',
  'Operation not permitted': 'EPERM',
  'Interrupted system call': 'EINTR',
  'Cannot allocate memory': 'ENOMEM',
  'Too many open files': 'EMFILE',
  'Structure needs cleaning': 'EUCLEAN',
};

/** The failed system call that a message of tar tells of, where it is the storage that fails. */
export function systemErrorOf(message: string): string | undefined {
  return Object.entries(ERRNO).find(([words]) => message.endsWith(`: ${words}`))?.[1];
}
