/** Whether systemd-sysupdate updates the same components by itself. Pure. */
import { type Finding, findingsOf, listed } from './finding.ts';

export interface SysupdateFacts {
  /** Its timer that is active; undefined for none. */
  readonly timer: string | undefined;
  /** Components that both know. */
  readonly shared: readonly string[];
}

const { ok, note, warning } = findingsOf('systemd-sysupdate');

/** Two managers of the same components are told, and how to turn one of them off. */
export function checkSysupdate({ timer, shared }: SysupdateFacts): Finding[] {
  if (shared.length === 0) return [];
  if (timer === undefined) return [ok(`leaves ${listed(shared)} to extupdate: its timer is not active`)];
  const text = `${timer} also updates ${listed(shared)}: two managers undo each other’s work`;
  return [warning(text, `systemctl disable --now ${timer}`), note('what only one of them defines is not concerned')];
}
