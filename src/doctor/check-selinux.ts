/** SELinux, where it matters. Pure. */
import { type Finding, findingsOf, listed } from './finding.ts';

export interface SelinuxFacts {
  /** Undefined where there is none. */
  readonly isEnforcing: boolean | undefined;
  /** Directories of images that are no search directories of systemd. */
  readonly stores: readonly string[];
}

const { note } = findingsOf('selinux');

/** Where SELinux is enforcing, images outside of the search directories need a label. */
export function checkSelinux({ isEnforcing, stores }: SelinuxFacts): Finding[] {
  if (!isEnforcing || stores.length === 0) return [];
  const text = `it is enforcing: images in ${listed(stores)} need the label of those in /var/lib/extensions`;
  return [note(text, `if systemd-sysext is denied (ausearch -m avc -ts boot): restorecon -R ${stores.join(' ')}`)];
}
