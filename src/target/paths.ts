/** Names in a target directory: what a version is called, where it stands, what is ours. */
import { join } from 'node:path';
import { PARKED } from '../resolve/exposure.ts';
import { isVpickVersion } from '../resolve/vpick.ts';
import { compressionSuffix } from '../source/list-offered.ts';
import type { InstalledInstance, OfferedInstance, Transfer } from '../types.ts';
import { formatPattern, type PatternFields } from '../version/pattern.ts';
import { newTries } from './tries.ts';

/** Path of an instance as seen inside the root. */
export function instancePath(transfer: Transfer, instance: Pick<InstalledInstance, 'name' | 'parked'>): string {
  return join(transfer.target.path, instance.parked ? PARKED : '', instance.name);
}

/** Where a transfer writes: its directory, and its link. */
export function writtenPaths({ target }: Transfer): string[] {
  return target.currentSymlink === undefined ? [target.path] : [target.path, target.currentSymlink];
}

/** Key of an instance in the state: the same whether it is parked or not. */
export function stateKey(transfer: Transfer, name: string): string {
  return join(transfer.target.path, name);
}

/**
 * The file name for a new instance: the first target pattern, filled in (sysupdate.d(5)). In a `.v` directory the
 * version has to be one that vpick reads: `+` and `_` become `.`, the true version is kept in the state.
 */
export function fileNameOf(transfer: Transfer, instance: OfferedInstance): string {
  const [pattern] = transfer.target.patterns;
  const inVersionedDirectory = transfer.target.path.endsWith('.v');
  const version =
    inVersionedDirectory && !isVpickVersion(instance.version)
      ? instance.version.replace(/[_+]/g, '.')
      : instance.version;
  const name = pattern && formatPattern(pattern, { ...newFields(transfer, instance.fields), version });
  // A target pattern with a field that the source does not tell: the source's own name is the best there is.
  return name ?? instance.name.slice(instance.name.lastIndexOf('/') + 1).replace(compressionSuffix, '');
}

/** What a new name tells: settings first, then what the source tells. */
function newFields({ target }: Transfer, fields: PatternFields): PatternFields {
  const mode = target.mode ?? fields.mode;
  const readOnly = target.readOnly ?? fields.readOnly;
  return {
    ...fields,
    ...(mode === undefined ? {} : { mode }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...newTries(target, fields),
  };
}

/** Base and suffix of the files in a `.v` directory: `foo.raw.v` holds `foo_VERSION.raw`. */
export function versionedBase(targetPath: string, suffix: string): string {
  const last = targetPath.slice(targetPath.lastIndexOf('/') + 1).slice(0, -'.v'.length);
  return last.slice(0, last.length - suffix.length);
}
