/** What is remembered of a component: holds, marks, records of OSes. Pure. */
import type { State } from '../os/state.ts';
import type { OsRecord } from '../resolve/record.ts';

/** Whether anything is remembered of a component. */
export function isRemembered(state: State, records: ReadonlyMap<string, OsRecord>, component: string): boolean {
  const byName = [state.held, state.pinned, state.trials, state.withdrawn, state.previous];
  return (
    byName.some((one) => Object.hasOwn(one, component)) ||
    Object.values(state.heldFor).some((one) => Object.hasOwn(one, component)) ||
    [...Object.values(state.installed), ...Object.values(state.bad)].some((one) => one.component === component) ||
    [...records.values()].some(({ components }) => Object.hasOwn(components, component))
  );
}

/** Takes a component out of the state. */
export function forgetComponent(state: State, component: string): void {
  for (const one of [state.held, state.pinned, state.trials, state.withdrawn, state.previous]) delete one[component];
  for (const held of Object.values(state.heldFor)) delete held[component];
  for (const table of [state.installed, state.bad]) {
    for (const [key, { component: owner }] of Object.entries(table)) if (owner === component) delete table[key];
  }
}

/** A record without a component; undefined when it does not name it. */
export function recordWithout(record: OsRecord, component: string): OsRecord | undefined {
  if (!Object.hasOwn(record.components, component)) return undefined;
  const { [component]: _, ...components } = record.components;
  return { ...record, components };
}
