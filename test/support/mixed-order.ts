/**
 * The order of test files: those that boot hosts, and mostly wait, evenly among those that mostly work, so that there is
 * always something to do for every core. vitest's own order is project by project.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes whatever else is going on: what begins last should not end last. */
const LONG = /\/e2e\/(health|self-update|security|services)\.test\.ts$/;

export class MixedOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const hosts = sorted.filter(({ project }) => project.name === 'e2e');
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return mix(
      sorted.filter(({ project }) => project.name !== 'e2e'),
      [...hosts.filter(isLong), ...hosts.filter((file) => !isLong(file))],
    );
  }
}

/** Spreads the second list over the first; each keeps its order, and the second comes first. */
function mix<T>(many: readonly T[], few: readonly T[]): T[] {
  const share = many.length / Math.max(few.length, 1);
  return [
    ...few.flatMap((one, index) => [one, ...many.slice(Math.ceil(index * share), Math.ceil((index + 1) * share))]),
    ...(few.length === 0 ? many : []),
  ];
}
