/** What every OS that can be booted would get, for `status --os`; nothing is changed and no server is asked. */
import { listBootable } from './bootable.ts';
import { readRecords } from './os/records.ts';
import { readState } from './os/state.ts';
import { type BootableOs, otherOses } from './resolve/bootable.ts';
import { recordOf } from './resolve/needed-files.ts';
import { type SelectReason, selectVersion } from './resolve/select.ts';
import { isVisible, resolveSurvey, surveyAll } from './survey.ts';
import { type System, systemFor } from './system.ts';

export interface OsComponentStatus {
  readonly component: string;
  /** The version that it would be given at boot; undefined when nothing that is installed fits. */
  readonly version?: string;
  readonly reason: SelectReason;
  /** For what is missing: what there is, and why it does not fit. */
  readonly text: string;
}

export interface OsStatus {
  readonly os: BootableOs;
  readonly components: readonly OsComponentStatus[];
}

/** How a selection is said to people. */
const REASONS: Readonly<Record<SelectReason, string>> = {
  held: 'held by "extupdate hold"',
  recorded: 'recorded',
  waiting: 'active; another version waits for the next boot',
  active: 'active, and fits',
  newest: 'the newest installed that fits',
  none: 'nothing that is installed fits',
};

/** For every bootable OS, the running one first: which version each component gets. */
export async function statusByOs(system: System): Promise<OsStatus[]> {
  const { root } = system.options;
  const state = readState(root, false);
  const records = readRecords(root, false);
  const bootable = await listBootable(system, state);
  const oses = [...bootable.oses.filter(({ running }) => running), ...otherOses(bootable)];
  const statuses: OsStatus[] = [];
  for (const os of oses) {
    const view = systemFor(system, os);
    const record = recordOf(records, os);
    const surveys = await surveyAll(view, state, { sources: false });
    const components = surveys.map((survey) => {
      const { name } = survey.component;
      const resolution = resolveSurvey(view, state, survey);
      const recorded = record?.components[name];
      const bootId = os.running ? view.bootId : '';
      const { version, reason } = selectVersion({
        resolution,
        recorded,
        pinned: state.pinned[name],
        bootId,
        isVisible: isVisible(survey),
      });
      const [newest] = resolution.versions;
      const found = newest ? `; the newest is ${newest.version}: ${newest.reason.text}` : '';
      const isPlanned = reason === 'recorded' && recorded?.planned !== undefined && !os.running && root === '';
      const known = isPlanned ? 'planned for its first boot' : REASONS[reason];
      const text = version ? known : `${REASONS.none}${found}`;
      return { component: name, ...(version ? { version: version.version } : {}), reason, text };
    });
    statuses.push({ os, components });
  }
  return statuses;
}
