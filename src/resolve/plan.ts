/** What has to be done for one component, as data: printed by `--dry-run`, carried out step by step, tested. Pure. */
import type { InstalledInstance, OfferedInstance, Transfer } from '../types.ts';
import type { Resolution, VersionState } from './resolver.ts';

export type Step =
  | { readonly step: 'acquire'; readonly transfer: Transfer; readonly instance: OfferedInstance }
  | {
      readonly step: 'install';
      readonly transfer: Transfer;
      readonly instance: OfferedInstance;
      readonly fileName: string;
    }
  | { readonly step: 'expose'; readonly transfer: Transfer; readonly fileName: string; readonly previous?: string };

export interface ComponentPlan {
  readonly component: Resolution['component'];
  readonly version: string;
  readonly chosen: VersionState;
  /** The version that is active before. */
  readonly from?: string;
  readonly steps: readonly Step[];
}

/** What is to be known of one transfer's present state. */
export interface TransferNow {
  /** File name of what systemd sees of it. */
  readonly active?: string | undefined;
  /** Whether exactly the file of that name is exposed, and nothing else of ours. */
  readonly isExposed: (fileName: string) => boolean;
}

/**
 * Plans how the chosen version becomes the visible one. Steps that are done already are left out, so a plan made after
 * an interruption holds just what is left.
 */
export function planComponent(
  resolution: Resolution,
  chosen: VersionState,
  fileNameOf: (transfer: Transfer, instance: OfferedInstance) => string,
  now: (transfer: Transfer) => TransferNow,
): ComponentPlan {
  const steps: Step[] = [];
  for (const transfer of resolution.component.transfers) {
    const installed: InstalledInstance | undefined = chosen.installed.get(transfer.id);
    const offered = chosen.offered.get(transfer.id);
    if (!installed && !offered) continue;
    const fileName = installed?.name ?? (offered ? fileNameOf(transfer, offered) : '');
    if (!installed && offered) {
      steps.push({ step: 'acquire', transfer, instance: offered });
      steps.push({ step: 'install', transfer, instance: offered, fileName });
    }
    const { active, isExposed } = now(transfer);
    if (!installed || !isExposed(fileName)) {
      steps.push({ step: 'expose', transfer, fileName, ...(active === undefined ? {} : { previous: active }) });
    }
  }
  // All of a set is acquired before any of it is installed, and all installed before any is exposed.
  const order = { acquire: 0, install: 1, expose: 2 } as const;
  return {
    component: resolution.component,
    version: chosen.version,
    chosen,
    ...(resolution.active === undefined ? {} : { from: resolution.active }),
    steps: steps.sort((a, b) => order[a.step] - order[b.step]),
  };
}

/** One line a step, for people. */
export function renderStep(step: Step): string {
  switch (step.step) {
    case 'acquire':
      return `acquire ${step.instance.name}`;
    case 'install':
      return `install as ${step.transfer.target.path}/${step.fileName}`;
    case 'expose':
      return step.previous === undefined
        ? `expose ${step.fileName}`
        : `expose ${step.fileName} in place of ${step.previous}`;
  }
}
