/** Whether there is room, and whether it can be written to. Pure. */
import { exitStatus } from '../errors.ts';
import { type Finding, findingsOf, listed } from './finding.ts';

export interface VolumeFact {
  /** A directory on it that matters, as seen inside the root. */
  readonly path: string;
  /** For those of the same file system, one stands for all. */
  readonly device: number;
  readonly freeBytes: number;
  /** Infinity where the file system has no such limit. */
  readonly freeFiles: number;
}

export interface StorageFacts {
  readonly volumes: readonly VolumeFact[];
  /** What extupdate leaves free in any case, in bytes. */
  readonly reserve: number;
  /** Size of the largest image that is installed, in bytes. */
  readonly largest: number;
  /** Directories that this user cannot write to although nothing forbids it to root, with the error. */
  readonly unwritable: readonly { readonly path: string; readonly error: string }[];
  /** What this user may not look at, and what is not known therefore. */
  readonly unseen: readonly { readonly path: string; readonly what: string }[];
  /** Search directories that cannot be listed, with the error. */
  readonly unreadable: readonly { readonly path: string; readonly error: string }[];
}

const MIB = 1024 * 1024;

const { ok, note, warning, problem } = findingsOf('storage');

/** What cannot be written or read, and volumes with less room than a run keeps free, or than a new version would take. */
export function checkStorage({ volumes, reserve, largest, unwritable, unseen, unreadable }: StorageFacts): Finding[] {
  const findings: Finding[] = [];
  for (const { path, error } of unwritable) {
    findings.push(problem(exitStatus.storage, `${path} cannot be written: ${error}`, `findmnt --target ${path}`));
  }
  for (const { path, error } of unreadable) {
    const isClosed = error === 'EACCES' || error === 'EPERM';
    const text = `${path} cannot be read: ${error}`;
    findings.push(isClosed ? note(text, 'run as root') : problem(exitStatus.storage, text, `ls -ld ${path}`));
  }
  if (unseen.length > 0) {
    findings.push(
      note(`not shown to this user: ${unseen.map(({ what }) => what).join('; ')}`, 'run as root to see it'),
    );
  }
  const byDevice = new Map<number, VolumeFact & { readonly paths: readonly string[] }>();
  for (const volume of volumes) {
    const known = byDevice.get(volume.device);
    byDevice.set(volume.device, { ...volume, paths: [...(known?.paths ?? []), volume.path] });
  }
  // A new version is downloaded, and then lies beside the one before.
  const wanted = reserve + 2 * largest;
  const roomy: string[] = [];
  for (const { paths, freeBytes, freeFiles } of byDevice.values()) {
    const where = listed(paths, 3);
    // Some file systems do not tell (ramfs, some of FUSE).
    const free = Number.isFinite(freeBytes)
      ? `${where}: ${mib(freeBytes)} free`
      : `${where}: nobody knows how much is free`;
    if (freeFiles === 0) findings.push(problem(exitStatus.storage, `${where}: no inode is left`, 'df --inodes'));
    else if (freeBytes < reserve) findings.push(problem(exitStatus.storage, free, 'extupdate gc, or free some space'));
    else if (freeBytes < wanted) {
      const text = `${free}, and a new version of the largest image would need ${mib(wanted)}`;
      findings.push(warning(text, 'free some space; a run removes what nothing needs, first'));
    } else roomy.push(free);
  }
  return [...roomy.map((text) => ok(text)), ...findings];
}

function mib(bytes: number): string {
  return bytes >= 10 * 1024 * MIB ? `${Math.floor(bytes / 1024 / MIB)} GiB` : `${Math.floor(bytes / MIB)} MiB`;
}
