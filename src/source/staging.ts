/** The layout of `/var/lib/extupdate/staging`, the only place that acquiring writes to. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

export interface Staging {
  /** `/var/lib/extupdate`, as a path outside the root. */
  readonly home: string;
  /** Path outside the root. */
  readonly directory: string;
  /** A payload as published, named by its SHA-256; `.partial` is appended while it is incomplete. */
  payload(sha256: string): string;
  /** A payload unpacked by this process, outside of staging: only the installing user may write there. */
  unpacked(sha256: string): string;
  /** The saved manifest of a source and what belongs to it. */
  manifestDirectory(url: string): string;
  /** What is known of images by their hash. */
  readonly factsFile: string;
  /** What a run that may delete nothing could not download for want of space. */
  readonly wantedSpaceFile: string;
  readonly lockFile: string;
}

/** Where staging is below a root, as seen inside it. */
export const STAGING_PATH = '/var/lib/extupdate/staging';

/**
 * @param home extupdate's own directory
 * @param directory staging in it, or where a link there leads: a dynamic user has it elsewhere
 */
export function stagingAt(home: string, directory: string): Staging {
  return {
    home,
    directory,
    payload: (sha256) => join(directory, sha256),
    unpacked: (sha256) => join(home, 'unpacked', sha256),
    manifestDirectory: (url) =>
      join(directory, 'manifests', createHash('sha256').update(url).digest('hex').slice(0, 32)),
    factsFile: join(directory, 'facts.json'),
    wantedSpaceFile: join(directory, 'space-wanted.json'),
    lockFile: join(directory, '.lock'),
  };
}
