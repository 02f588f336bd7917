/** Which installed versions their publisher has taken back. Pure. */
import type { InstalledInstance, OfferedInstance } from '../types.ts';
import { compareVersions, isSameVersion } from '../version/compare.ts';

/**
 * Versions that came from a source which does not list them any more. One that is older than all that is listed has only
 * aged out: publishers keep the newest few.
 * @param offered of one transfer, from a list that was accepted
 * @param installed of the same transfer
 */
export function withdrawnVersions(
  offered: readonly OfferedInstance[],
  installed: readonly InstalledInstance[],
): string[] {
  return installed.flatMap(({ version, sha256 }) => {
    // What somebody put there by hand was never offered.
    if (sha256 === undefined || offered.some((other) => isSameVersion(other.version, version))) return [];
    const agedOut = offered.length > 0 && offered.every((other) => compareVersions(other.version, version) > 0);
    return agedOut ? [] : [version];
  });
}
