/** What of a component systemd merges, and which file stands behind it once its plan is carried out. */
import type { Kind, Transfer } from '../types.ts';
import type { Work } from '../work.ts';

/** The kinds that systemd merges. */
export type MergeKind = Extract<Kind, 'sysext' | 'confext'>;

/** The order of merging: configuration first, so that `/etc/extensions` is seen as it is below. */
export const mergeKinds = ['confext', 'sysext'] as const satisfies readonly MergeKind[];

export interface VisibleFile {
  readonly transfer: Transfer;
  readonly kind: MergeKind;
  readonly fileName: string;
  /** Whether it becomes visible in this run. */
  readonly isNew: boolean;
}

/**
 * The files of a component that should be merged after this run; none when it failed.
 * @param includeNextBoot whether what waits for the next boot counts as visible already
 */
export function visibleFiles({ plan, survey, moment, error }: Work, includeNextBoot = false): VisibleFile[] {
  if (!plan || error) return [];
  const takesNew = moment === 'now' || (includeNextBoot && moment === 'reboot');
  return survey.component.transfers.flatMap((transfer) => {
    const { kind } = transfer;
    if (kind !== 'sysext' && kind !== 'confext') return [];
    const step = plan.steps.find((candidate) => candidate.step === 'expose' && candidate.transfer === transfer);
    const isNew = takesNew && step?.step === 'expose';
    const fileName = isNew ? step.fileName : survey.activeNames.get(transfer.id);
    return fileName === undefined ? [] : [{ transfer, kind, fileName, isNew }];
  });
}
