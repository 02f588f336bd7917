/** What was done, as text for people; apart from tables, which take long to load, for the boot does not need them. */
import { renderStep } from '../resolve/plan.ts';
import type { Outcome } from './commands.ts';

/** `apply`, `acquire`, `install`: what was done, or would be. */
export function renderDone(outcome: Outcome): string {
  if (outcome.dryRun && outcome.plans) {
    const planned = outcome.plans.filter(({ steps }) => steps.length > 0);
    if (planned.length > 0) {
      return planned
        .flatMap(({ component, version, steps }) => [
          `${component.name} ${version}:`,
          ...steps.map((step) => `  ${renderStep(step)}`),
        ])
        .join('\n');
    }
  }
  const last = new Map(
    (outcome.done ?? []).filter(({ action }) => action !== 'remove').map((entry) => [entry.component, entry]),
  );
  const words = outcome.dryRun ? PLANNED_WORDS : DONE_WORDS;
  const lines = [...last.values()].map(
    ({ component, action, version, from }) =>
      `${component}: ${words[action]} ${version}${from && from !== version ? ` (was ${from})` : ''}`,
  );
  const off = renderTurnedOff(outcome);
  if (lines.length + off.length > 0) return [...lines, ...off].join('\n');
  return outcome.errors.length > 0 ? '' : 'Nothing to do.';
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
