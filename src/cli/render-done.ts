/** What was done, as text for people; apart from tables, which take long to load, for the boot does not need them. */
import { renderStep } from '../resolve/plan.ts';
import type { DoneAction } from '../work.ts';
import type { Outcome } from './outcome.ts';

export interface DoneLine {
  readonly text: string;
  /** What it tells of, when it is of that alone. */
  readonly done?: DoneAction;
}

/** `apply`, `acquire`, `install`: what was done, or would be. */
export function doneLines(outcome: Outcome): DoneLine[] {
  if (outcome.dryRun && outcome.plans) {
    const planned = outcome.plans.filter(({ steps }) => steps.length > 0);
    if (planned.length > 0) {
      return planned.flatMap(({ component, version, steps }) => [
        { text: `${component.name} ${version}:` },
        ...steps.map((step) => ({ text: `  ${renderStep(step)}` })),
      ]);
    }
  }
  const all = outcome.done ?? [];
  const isGone = ({ component, version }: DoneAction, index: number) =>
    all
      .slice(index)
      .some((later) => later.action === 'remove' && later.component === component && later.version === version);
  const last = new Map(all.filter((entry, index) => !isGone(entry, index)).map((entry) => [entry.component, entry]));
  const words = outcome.dryRun ? PLANNED_WORDS : DONE_WORDS;
  const lines = [...last.values()].map((done) => {
    const { component, action, version, from } = done;
    const other = from && from !== version;
    // A hold changes nothing by itself.
    const was = !other ? '' : action === 'hold' ? `; ${from} is active until "extupdate apply"` : ` (was ${from})`;
    return { text: `${component}: ${words[action]} ${version}${was}`, ...(outcome.dryRun ? {} : { done }) };
  });
  const off = renderTurnedOff(outcome).map((text) => ({ text }));
  if (lines.length + off.length > 0) return [...lines, ...off];
  return outcome.errors.length > 0 ? [] : [{ text: 'Nothing to do.' }];
}

/** The same as text. */
export function renderDone(outcome: Outcome): string {
  return doneLines(outcome)
    .map(({ text }) => text)
    .join('\n');
}

/** A line for every component that wants nothing because of its features. */
export function renderTurnedOff({ turnedOff }: Pick<Outcome, 'turnedOff'>): string[] {
  return turnedOff.map((name) => `${name}: turned off by its features; see "extupdate features -C ${name}"`);
}

/** For what is not done by plans of steps. */
const PLANNED_WORDS = {
  acquire: 'would be acquired:',
  install: 'would be installed:',
  expose: 'would be exposed:',
  activate: 'would be activated:',
  defer: 'would be installed for later:',
  remove: 'would be removed:',
  hold: 'would be held at',
  unhold: 'would be released:',
  forget: 'would be forgotten, what was seen of',
} as const;

const DONE_WORDS = {
  acquire: 'acquired',
  install: 'installed',
  expose: 'exposed',
  activate: 'activated',
  defer: 'installed for later:',
  remove: 'removed',
  hold: 'held at',
  unhold: 'released',
  forget: 'forgot what was seen of',
} as const;
