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

/** The files of a component that should be merged in the end; none when it failed, or is not activated by itself. */
export function visibleFiles({ plan, survey, error }: Work): VisibleFile[] {
  if (!plan || error || survey.component.settings.activate !== 'now') return [];
  return survey.component.transfers.flatMap((transfer) => {
    const { kind } = transfer;
    if (kind !== 'sysext' && kind !== 'confext') return [];
    const step = plan.steps.find((candidate) => candidate.step === 'expose' && candidate.transfer === transfer);
    const fileName = step?.step === 'expose' ? step.fileName : survey.activeNames.get(transfer.id);
    return fileName === undefined ? [] : [{ transfer, kind, fileName, isNew: step !== undefined }];
  });
}
