import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { StorageError } from '../errors.ts';

/** What to do about the failures of local storage that people meet. */
const NEXT: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space (extupdate gc shows what is kept) and run again',
  EDQUOT: 'raise the quota or free some space, and run again',
  EROFS: 'the file system is read-only: remount it, or choose another target',
  EACCES: 'run as root',
  EPERM: 'run as root; if you are root, look for an immutable attribute (lsattr)',
  EIO: 'the disk reports an error: look at the kernel log, and repair it',
  EUCLEAN: 'the file system is damaged: check it (fsck), and look at the kernel log',
  ENOMEM: 'free some memory and run again',
  EMFILE: 'raise the limit of open files and run again',
  EINTR: 'run again',
  ELOOP: 'move the link away',
  ENOTDIR: 'move away what is there',
  EISDIR: 'move away what is there',
  ENAMETOOLONG: 'choose a shorter MatchPattern= in [Target]',
};
const NEXT_DEFAULT = 'look at the file system that it is on (findmnt --target), and run again';

const NEXT_LINK =
  'choose a CurrentSymlink= on a file system that has symbolic links, or look for an immutable attribute (lsattr)';

/** The symbolic name of a failed system call; codes that Node does not map (EDQUOT) are told by their number. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  if (errno === -122) return 'EDQUOT';
  if (typeof code === 'string' && !code.startsWith('Unknown')) return code;
  return errno === undefined ? undefined : getSystemErrorName(errno);
}

/** Whether a failed system call says that the file is not there. */
export function isMissing(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Wraps the failure of a system call; anything else is handed back as it is. */
export function storageError(what: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code === undefined || !(error as NodeJS.ErrnoException).syscall) return error;
  if (isOutOfInodes(error as NodeJS.ErrnoException)) {
    return new StorageError(`${what}: no inode is left on the file system (${code})`, {
      cause: error,
      next: 'delete files there: it has space, and has as many files as it can (df --inodes)',
    });
  }
  // symlink(2): what a file system answers that has no links, such as vfat.
  const isLink = code === 'EPERM' && (error as NodeJS.ErrnoException).syscall === 'symlink';
  const next = isLink ? NEXT_LINK : (NEXT[code] ?? NEXT_DEFAULT);
  return new StorageError(`${what}: ${describe(code)}`, { cause: error, next });
}

/** "No space" is what making a name fails with when there is no inode for it, too. */
function isOutOfInodes({ code, path }: NodeJS.ErrnoException): boolean {
  if (code !== 'ENOSPC' || path === undefined) return false;
  try {
    const { files, ffree } = statfsSync(dirname(path));
    return files > 0 && ffree === 0;
  } catch {
    return false;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EROFS: 'read-only file system',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EIO: 'input/output error',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  ELOOP: 'is a symbolic link',
  ENAMETOOLONG: 'the file name is too long',
  EEXIST: 'exists already',
  EXDEV: 'is on another file system',
};

function describe(code: string): string {
  const words = WORDS[code];
  return words === undefined ? code : `${words} (${code})`;
}
