/** Two managers of one directory undo each other's work; systemd's runs by a timer that an administrator can stop. */
import type { System } from '../system.ts';
import { runCommand } from './run-command.ts';

/** 262 has the second name, older ones the first. */
const TIMERS = ['systemd-sysupdate.timer', 'systemd-sysupdate-update.timer'];

/** Warns, in every run, when systemd-sysupdate's timer is active for components that are managed here too. */
export async function warnOfSysupdate(system: System): Promise<void> {
  const { root, reporter } = system.options;
  const shared = system.definitions.components.filter(({ origin }) => origin === 'sysupdate');
  if (root !== '' || shared.length === 0) return;
  const active = await activeSysupdateTimer();
  if (active === undefined) return;
  const names = shared.map(({ name }) => name).join(', ');
  reporter.warning('', `${active} also updates ${names}; stop it: systemctl disable --now ${active}`);
}

/** The timer of systemd-sysupdate that is active; undefined for none. */
export async function activeSysupdateTimer(): Promise<string | undefined> {
  const { stdout } = await runCommand(['systemctl', 'is-active', ...TIMERS]);
  // In 262 the first name is an alias of the second.
  return TIMERS.findLast((_, index) => stdout.split('\n')[index] === 'active');
}
