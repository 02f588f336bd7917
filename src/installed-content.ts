/** Whether what is installed is still what was installed. */
import { stat } from 'node:fs/promises';
import { type ErrorReport, reportOf } from './errors.ts';
import { hashFile } from './os/hash-file.ts';
import { resolveInRoot } from './os/root.ts';
import type { State } from './os/state.ts';
import { storageError } from './os/storage-error.ts';
import type { Survey } from './survey.ts';
import { instancePath } from './target/paths.ts';
import type { InstalledInstance, Transfer } from './types.ts';
import { isSameVersion } from './version/compare.ts';

export interface ContentVerdict {
  /** `unknown`: there is nothing to compare it with. */
  readonly state: 'intact' | 'damaged' | 'unreadable' | 'unknown';
  readonly text: string;
  /** For `unreadable`. */
  readonly report?: ErrorReport;
}

/** Reads an installed file to its end, and compares its hash with what the state knows. */
export async function judgeContent(
  root: string,
  state: Pick<State, 'installed'>,
  transfer: Transfer,
  instance: InstalledInstance,
): Promise<ContentVerdict> {
  const known = state.installed[instance.path]?.contentSha256;
  const path = instancePath(transfer, instance);
  const place = resolveInRoot(root, path);
  try {
    if (!(await stat(place)).isFile()) return { state: 'unknown', text: 'a directory, of which no hash is kept' };
    if (known === undefined) return { state: 'unknown', text: 'not known what it should be' };
    const isSame = (await hashFile(place)) === known;
    return isSame
      ? { state: 'intact', text: 'as it was installed' }
      : { state: 'damaged', text: 'its content is not what was installed' };
  } catch (error) {
    const report = reportOf(storageError(path, error));
    return { state: 'unreadable', text: report.message, report };
  }
}

/**
 * Looks at the version that was asked for by name: a damaged file counts as one that cannot be used, so that it is
 * installed anew where it is offered.
 */
export async function markDamaged(
  root: string,
  state: Pick<State, 'installed'>,
  survey: Survey,
  requested: string | undefined,
): Promise<Survey> {
  if (requested === undefined) return survey;
  const installed = await Promise.all(
    survey.installed.map(async (instance) => {
      const transfer = survey.component.transfers.find(({ id }) => id === instance.transferId);
      if (!transfer || !isSameVersion(instance.version, requested)) return instance;
      const { state: found, text } = await judgeContent(root, state, transfer, instance);
      return found === 'damaged' || found === 'unreadable' ? { ...instance, facts: broken(instance, text) } : instance;
    }),
  );
  return { ...survey, installed };
}

function broken({ facts }: InstalledInstance, defect: string): NonNullable<InstalledInstance['facts']> {
  return { origin: 'image', sysext: [], confext: [], hasOsRelease: false, ...facts, defect };
}
