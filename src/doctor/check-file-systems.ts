/** Which targets are below something read-only. Pure. */
import { exitStatus } from '../errors.ts';
import { mountOver, parseMountinfo } from '../os/mountinfo.ts';
import { type Finding, findingsOf, listed } from './finding.ts';

export interface FileSystemFacts {
  /** The text of /proc/self/mountinfo. */
  readonly mountinfo: string;
  /** Where components write, with links resolved, and what it is called in messages. */
  readonly written: readonly { readonly place: string; readonly path: string; readonly component: string }[];
}

const { ok, note, problem } = findingsOf('file systems');

/** A target on a read-only file system is a problem; one below a merged hierarchy is not, and is told. */
export function checkFileSystems({ mountinfo, written }: FileSystemFacts): Finding[] {
  const mounts = parseMountinfo(mountinfo);
  if (mounts.length === 0 || written.length === 0) return [];
  const findings: Finding[] = [];
  const merged = new Map<string, string[]>();
  for (const { place, path, component } of written) {
    const mount = mountOver(mounts, place);
    if (!mount || ![...mount.options, ...mount.superOptions].includes('ro')) continue;
    const isMerged = mount.type === 'overlay' && ['sysext', 'confext'].includes(mount.source);
    if (isMerged) merged.set(mount.point, [...(merged.get(mount.point) ?? []), path]);
    else {
      const text = `${component}: ${path} is on a read-only file system (${mount.type} at ${mount.point})`;
      findings.push(
        problem(exitStatus.storage, text, `mount -o remount,rw ${mount.point}, or another Path= in [Target]`),
      );
    }
  }
  for (const [point, paths] of merged) {
    const text = `${point} is read-only while extensions are merged over it; extupdate writes below it (${listed(paths, 3)})`;
    findings.push(note(text, 'others that want to write there: systemd-sysext unmerge, or systemd-confext unmerge'));
  }
  const isFine = findings.every(({ state }) => state !== 'problem');
  return isFine ? [ok('all targets can be written'), ...findings] : findings;
}
