/** A check that cannot be made is a finding, too, and the others are made all the same. */
import { type ExitStatus, reportOf } from '../errors.ts';
import { storageError } from '../os/storage-error.ts';
import { type CheckName, type Finding, findingsOf } from './finding.ts';

/** Makes a check. @returns what it finds, or why it cannot be made @throws when the run is interrupted */
export async function guarded(
  check: CheckName,
  make: () => readonly Finding[] | Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await make();
  } catch (error) {
    return [problemOf(check, error)];
  }
}

/** An error as what is found wrong; a defect of ours has itself as its cause. @throws when the run is interrupted */
export function problemOf(check: CheckName, error: unknown): Finding {
  if (error instanceof Error && error.name === 'AbortError') throw error;
  const path = (error as { readonly path?: unknown } | null)?.path;
  const { message, next, exit, code } = reportOf(storageError(typeof path === 'string' ? path : check, error));
  const problem = findingsOf(check).problem(exit as ExitStatus, message, next);
  return code === 'unexpected' ? { ...problem, cause: error } : problem;
}
