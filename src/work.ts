/** What a run passes along: components on their way, and what came out. */
import type { ErrorReport } from './errors.ts';
import type { ComponentPlan } from './resolve/plan.ts';
import type { Resolution } from './resolve/resolver.ts';
import type { Survey } from './survey.ts';
import type { ExtensionSettings } from './types.ts';

/** Which versions were asked for by name, by component. */
export type Requests = ReadonlyMap<string, string>;

export interface DoneAction {
  readonly component: string;
  readonly action: 'acquire' | 'install' | 'expose' | 'activate' | 'defer' | 'remove' | 'hold' | 'unhold' | 'forget';
  readonly version: string;
  readonly from: string | null;
  /** The OS that it was done for, when that is not the running one. */
  readonly os?: string;
}

/** What came out of a run; failures of single components are values, so that the others go on. */
export interface UpdateResult {
  readonly resolutions: readonly Resolution[];
  readonly plans: readonly ComponentPlan[];
  readonly done: readonly DoneAction[];
  readonly errors: readonly (ErrorReport & { readonly component: string })[];
}

/** When what is installed becomes visible: now, at the next boot, or when a person asks for it. */
export type Moment = ExtensionSettings['activate'];

/** One component on its way; `error` ends the way. */
export interface Work {
  readonly survey: Survey;
  readonly moment: Moment;
  resolution?: Resolution;
  plan?: ComponentPlan;
  /** The version that it goes back to when it is not well, where that is not the one that was visible. */
  back?: string;
  /** Whether something was downloaded for it. */
  downloaded: boolean;
  /** By SHA-256: files that this run has made and hashed. */
  ready: ReadonlyMap<string, string>;
  error?: ErrorReport;
  /** What is wrong and does not end the way. */
  trouble?: ErrorReport;
}

/** How many install steps still need a payload, by SHA-256: the last one may move it. */
export type PayloadUsers = Map<string, number>;

/** Why `gc` keeps a file, or does not. */
export interface KeptFile {
  readonly component: string;
  /** As seen inside the root. */
  readonly path: string;
  readonly keep: boolean;
  readonly reason: string;
}
