/** Which services use which version, for `status`. */
import { mergesHere } from '../apply/activate-set.ts';
import type { State } from '../os/state.ts';
import type { System } from '../system.ts';
import type { Component } from '../types.ts';
import { findUses } from './find-uses.ts';
import { look, type Sight } from './sight.ts';
import { seenVersion } from './verdict.ts';

/** A running service, and what it sees of a component. */
export interface SeenService {
  readonly unit: string;
  readonly component: string;
  readonly version: string | undefined;
  /** What it would see if it were started now. */
  readonly exposed: string | undefined;
  /** Why the version is not known. */
  readonly why?: Sight['why'];
}

/** Looks at all running services that use one of the components. */
export async function servicesSeen(
  system: System,
  state: State,
  components: readonly Component[],
): Promise<SeenService[]> {
  if (!mergesHere(system) || components.length === 0) return [];
  const seen: SeenService[] = [];
  for (const use of await findUses(state, components, system.host.release.architecture)) {
    const sight = await look(use);
    seen.push({
      unit: use.unit.name,
      component: use.component,
      version: seenVersion(use, sight),
      exposed: use.exposed?.version,
      ...(sight.why === undefined ? {} : { why: sight.why }),
    });
  }
  return seen;
}
