/** Carries out the steps of plans that make versions visible, or leaves them to the next boot, or to a person. */
import { eachPlanned } from '../each-work.ts';
import type { System } from '../system.ts';
import type { DoneAction, Work } from '../work.ts';
import type { ActivationSet } from './activate-set.ts';
import { exposeTogether } from './expose-together.ts';

/** Exposes what was planned. @returns what was visible before, by component and transfer, to go back to */
export async function exposeAll(
  system: System,
  place: string,
  works: readonly Work[],
  done: DoneAction[],
): Promise<ActivationSet> {
  const set: ActivationSet = { changed: [] };
  await eachPlanned(works, async (work, plan) => {
    const steps = plan.steps.filter((step) => step.step === 'expose');
    if (steps.length === 0) return;
    if (work.moment !== 'now') {
      deferExposure(system, work, done);
      return;
    }
    await exposeTogether(system, place, steps);
    set.changed.push({ work, steps });
    done.push({ component: plan.component.name, action: 'expose', version: plan.version, from: plan.from ?? null });
  });
  return set;
}

/** What waits for the next boot, or for a person, is told once. */
function deferExposure(system: System, { plan, survey, moment }: Work, done: DoneAction[]): void {
  const { name } = survey.component;
  if (!plan) return;
  const isNew = done.some(({ component, action }) => component === name && action === 'install');
  if (isNew) done.push({ component: name, action: 'defer', version: plan.version, from: plan.from ?? null });
  if (moment === 'manual') {
    system.options.reporter.notice(name, `${plan.version} is installed; "extupdate apply --now ${name}" activates it`);
  }
}
