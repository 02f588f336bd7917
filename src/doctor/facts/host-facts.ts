/** What `doctor` asks the running machine: systemd, its units, programs, the clock, SELinux. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readHistory } from '../../os/history.ts';
import { resolveInRoot } from '../../os/root.ts';
import { runCommand } from '../../os/run-command.ts';
import { STATE_PATH } from '../../os/state.ts';
import { parseShownUnits } from '../../services/shown-units.ts';
import type { ClockFacts } from '../check-clock.ts';
import { optionalPrograms, programs } from '../check-programs.ts';
import { mergeUnits, ownUnits, type UnitFact } from '../check-units.ts';

/** Seconds that systemd has for an answer. */
const TIMEOUT = 10_000;

/** Whether systemd is the first process: what it puts there at its start (sd_booted(3)). */
export function isSystemdRunning(): boolean {
  return existsSync('/run/systemd/system');
}

/** What systemd says of units. @returns undefined when it cannot be asked */
export async function unitFacts(): Promise<UnitFact[] | undefined> {
  const properties = '--property=Id,LoadState,UnitFileState,ActiveState,ExecMainStatus';
  const argv = ['systemctl', 'show', properties, '--', ...ownUnits, ...mergeUnits] as const;
  const { status, stdout } = await runCommand([...argv], { timeoutMs: TIMEOUT });
  if (status !== 0) return undefined;
  return parseShownUnits(stdout).map((shown) => ({
    name: shown.get('Id') ?? '',
    load: shown.get('LoadState') ?? '',
    file: shown.get('UnitFileState') ?? '',
    active: shown.get('ActiveState') ?? '',
    status: Number(shown.get('ExecMainStatus') || 0),
  }));
}

/** Where systemd keeps programs that are not for the command line. */
const PROGRAM_DIRECTORIES = ['/usr/lib/systemd', '/lib/systemd', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The programs that are there. */
export function presentPrograms(): Set<string> {
  const names = [...programs.map(({ name }) => name), ...optionalPrograms];
  const directories = [...(process.env.PATH ?? '').split(':').filter((path) => path !== ''), ...PROGRAM_DIRECTORIES];
  return new Set(names.filter((name) => directories.some((directory) => isProgram(join(directory, name)))));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What there is to judge the clock by. @param now the time of the run */
export async function clockFacts(root: string, now: Date): Promise<ClockFacts> {
  const dated = ['/usr/lib/os-release', STATE_PATH].flatMap((path) => {
    const info = statSync(resolveInRoot(root, path), { throwIfNoEntry: false });
    return info ? [{ at: info.mtime, what: path }] : [];
  });
  const last = readHistory(root).at(-1);
  const at = last && new Date(last.at);
  const history = at && !Number.isNaN(at.getTime()) ? [{ at, what: 'the last run (extupdate history)' }] : [];
  const [latest] = [...dated, ...history].sort((a, b) => b.at.getTime() - a.at.getTime());
  return { now, latest, synchronised: await isSynchronised() };
}

async function isSynchronised(): Promise<boolean | undefined> {
  const argv = ['timedatectl', 'show', '--property=NTPSynchronized', '--value'] as const;
  const { status, stdout } = await runCommand([...argv], { timeoutMs: TIMEOUT });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() === 'yes' : undefined;
}

/** Whether SELinux is enforcing; undefined where there is none. */
export function isSelinuxEnforcing(): boolean | undefined {
  try {
    return readFileSync('/sys/fs/selinux/enforce', 'utf8').trim() === '1';
  } catch {
    return undefined;
  }
}
