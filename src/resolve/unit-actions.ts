/**
 * Which units have to be restarted or reloaded when an image replaces another: what extension-release files ask for
 * (`EXTENSION_RESTART_UNITS=`, `EXTENSION_RELOAD_OR_RESTART_UNITS=`, systemd-sysext(8) of 262) and `ReloadUnits=`. Pure.
 */
import type { ReleaseFields } from '../types.ts';

/** The first systemd whose systemd-sysext acts on the settings in release files by itself. */
const SYSTEMD_ACTS_SINCE = 262;

export interface UnitActions {
  readonly restart: readonly string[];
  readonly reloadOrRestart: readonly string[];
  /** Units that the image names whose health tells about it, whoever acts on them. */
  readonly watch: readonly string[];
}

/** One image that replaces another; either may be absent. */
export interface Replacement {
  readonly before?: ReleaseFields | undefined;
  readonly after?: ReleaseFields | undefined;
  readonly reloadUnits: readonly string[];
}

/**
 * What to do after a merge.
 * @param systemdVersion its main version; what systemd does itself is left to it
 */
export function planUnitActions(replacements: readonly Replacement[], systemdVersion: number): UnitActions {
  const named = (key: string) =>
    replacements.flatMap(({ before, after }) => [...words(before?.[key]), ...words(after?.[key])]);
  const restart = unique(named('EXTENSION_RESTART_UNITS'));
  const reload = unique(named('EXTENSION_RELOAD_OR_RESTART_UNITS')).filter((unit) => !restart.includes(unit));
  const own = unique(replacements.flatMap(({ reloadUnits }) => reloadUnits));
  const isOurs = systemdVersion < SYSTEMD_ACTS_SINCE;
  return {
    restart: isOurs ? restart : [],
    reloadOrRestart: unique([...(isOurs ? reload : []), ...own]).filter((unit) => !isOurs || !restart.includes(unit)),
    watch: unitsToWatch(replacements),
  };
}

/** The units that show whether what is merged now works. */
export function unitsToWatch(replacements: readonly Replacement[]): string[] {
  return unique(
    replacements.flatMap(({ after, reloadUnits }) => [
      ...words(after?.EXTENSION_RESTART_UNITS),
      ...words(after?.EXTENSION_RELOAD_OR_RESTART_UNITS),
      ...reloadUnits,
    ]),
  );
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
