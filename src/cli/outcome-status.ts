/** The exit status that follows from what a command found and did. Pure. */
import { combinedExit, exitStatus } from '../errors.ts';
import type { Outcome } from './outcome.ts';

/** The exit status that an outcome has: of its errors, and of the problems that `doctor` found. */
export function exitOf(outcome: Outcome): number {
  const failed = [...outcome.errors, ...(outcome.checks ?? [])].flatMap(({ exit }) => exit ?? []);
  const names = new Set(outcome.errors.map(({ component }) => component));
  const all = [
    ...outcome.components.map(({ name }) => name),
    ...(outcome.oses ?? []).flatMap(({ components }) => components.map(({ component }) => component)),
    ...(outcome.found ?? []).map(({ component, source }) => component ?? source),
    ...[...(outcome.kept ?? []), ...(outcome.sources ?? []), ...(outcome.files ?? [])].map(
      ({ component }) => component,
    ),
  ];
  return combinedExit(failed, all.filter((name) => !names.has(name)).length);
}

/** The status of `check --exit-code`. */
export function checkStatus(outcome: Outcome, exit: number): number {
  const isUpdate = outcome.components.some(({ candidate }) => candidate !== null);
  return exit === exitStatus.done && isUpdate ? exitStatus.updateAvailable : exit;
}
