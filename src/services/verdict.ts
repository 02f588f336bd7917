/** What a service's view means, and the words for it. Pure. */
import { isSameMounts } from './extension-mounts.ts';
import type { ServiceUse } from './find-uses.ts';
import type { Sight } from './sight.ts';

type Exposed = Pick<ServiceUse, 'exposed'>;

/** Whether it is certain that a service sees what is exposed, so that there is nothing to do about it. */
export function isUpToDate({ exposed }: Exposed, { matches }: Pick<Sight, 'matches'>): boolean {
  return exposed !== undefined && matches.length === 1 && matches[0]?.name === exposed.name;
}

/**
 * Whether a service goes on seeing something else than is exposed, after it was reloaded or restarted. Where contents do
 * not tell (nothing reads the image, or versions look alike), it counts whether anything was mounted anew.
 * @param before what it saw before
 * @param isSameProcess whether its main process is still the same
 */
export function isStale(use: Exposed, before: Sight, after: Sight, isSameProcess: boolean): boolean {
  if (isUpToDate(use, after)) return false;
  const isUntouched = isSameProcess && isSameMounts(before.mounts, after.mounts);
  if (after.matches.some(({ name }) => name === use.exposed?.name)) return isUntouched;
  return after.matches.length > 0 || after.why === 'absent' || isUntouched;
}

/** The version that a service sees; undefined when that is not known. Of versions that look alike, the exposed one. */
export function seenVersion({ exposed }: Exposed, { matches }: Pick<Sight, 'matches'>): string | undefined {
  return (matches.find(({ name }) => name === exposed?.name) ?? matches[0])?.version;
}

/** A service that goes on with what it saw before. */
export interface Stale {
  readonly unit: string;
  /** Undefined when that is not known. */
  readonly seen: string | undefined;
  readonly expected: string;
}

/** The unit was reloaded, and systemd has left what it sees alone. */
export function staleNotice({ unit, seen, expected }: Stale): string {
  const cause = 'on a reload, systemd mounts anew from 262 on only, over /etc, for a unit that names a .v directory';
  return `${unit} was reloaded and still sees ${words(seen)}, not ${expected}: ${cause}; ${wayOut(unit)}`;
}

/**
 * The unit may not be restarted, and a reload is of no use: it knows none, or it was started when there was no image, and
 * systemd has nothing to replace.
 */
export function unreloadableNotice({ unit, seen, expected }: Stale, knowsReload: boolean, component: string): string {
  const goesOn = knowsReload
    ? `was started without ${component} and goes on so, without ${expected},`
    : `cannot be reloaded and goes on with ${words(seen)}, not ${expected},`;
  return `${unit} ${goesOn} until it is restarted; ${wayOut(unit)}`;
}

/** The unit is still up, but its reload failed. */
export function failedReloadNotice({ unit, seen, expected }: Stale, reason: string): string {
  const sees = seen === expected ? `it sees ${expected}` : `it still sees ${words(seen)}, not ${expected}`;
  return `${unit} could not be reloaded (${reason}); ${sees}; see journalctl -u ${unit}`;
}

function words(seen: string | undefined): string {
  return seen ?? 'what it saw before';
}

function wayOut(unit: string): string {
  return `"systemctl restart ${unit}" helps, ExtensionServices=reload-or-restart does it by itself`;
}
