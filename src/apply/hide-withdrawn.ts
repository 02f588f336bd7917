/** Takes out of sight what its publisher has taken back, where `OnWithdrawn=remove` and nothing takes its place. */
import type { State } from '../os/state.ts';
import type { System } from '../system.ts';
import type { Work } from '../work.ts';
import { expose } from './expose.ts';
import type { MergeKind } from './visible-file.ts';

/** Notes which versions are not wanted any more, so that no boot shows them again. */
export function noteWithdrawn(state: State, { survey, resolution }: Work): void {
  if (!survey.withdrawn || !resolution) return;
  const { name } = survey.component;
  const versions = resolution.versions.filter(({ reason }) => reason.code === 'withdrawn');
  if (versions.length > 0) state.withdrawn[name] = versions.map(({ version }) => version);
  else delete state.withdrawn[name];
}

/** Whether what is visible of a component has to go, and nothing takes its place. */
export function isWithdrawn({ resolution, error, survey }: Work): boolean {
  const active = resolution?.versions.find((version) => version.active);
  if (error || survey.unreadable || !resolution || resolution.chosen) return false;
  return active?.reason.code === 'withdrawn' && survey.component.settings.onWithdrawn === 'remove';
}

/**
 * Hides what is withdrawn.
 * @param place root through which targets are written
 * @returns the kinds that systemd has to merge anew
 * @throws StorageError
 */
export async function hideWithdrawn(system: System, place: string, works: readonly Work[]): Promise<Set<MergeKind>> {
  const kinds = new Set<MergeKind>();
  for (const { survey, resolution } of works.filter(isWithdrawn)) {
    for (const transfer of survey.component.transfers) {
      await expose(place, transfer, undefined, system.host.release.architecture);
      if (transfer.kind === 'sysext' || transfer.kind === 'confext') kinds.add(transfer.kind);
    }
    const text = `${resolution?.active} was taken back by its source, and is not visible any more (OnWithdrawn=remove)`;
    system.options.reporter.notice(survey.component.name, text);
  }
  return kinds;
}
