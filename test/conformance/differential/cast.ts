/** What a scenario is about: its versions, and its transfers with their settings. */
import type { SourceType } from '../../../src/types.ts';
import type { Random } from './random.ts';
import { COMPONENT, type TransferSpec } from './scenario.ts';
import { type Dimension, supported } from './supported.ts';
import { modes, type Naming, namings } from './vocabulary.ts';

/** What the steps of a scenario are made from. */
export interface Cast {
  readonly random: Random;
  readonly versions: readonly string[];
  readonly transfers: readonly { readonly spec: TransferSpec; readonly naming: Naming }[];
  readonly features: readonly string[];
  /** What is published now, by path, and the version that it was made for. */
  readonly published: Map<string, string>;
  /** Makes every content one of its own. */
  edition: number;
}

export function can(dimension: Dimension): boolean {
  return supported[dimension];
}

export function castTransfer(
  random: Random,
  name: string,
  versions: readonly string[],
  features: readonly string[],
): { spec: TransferSpec; naming: Naming } {
  const form = random.weighted([
    [6, 'file'],
    [can('source tar') ? 2 : 0, 'tar'],
    [can('source directory') ? 1 : 0, 'directory'],
  ] as const);
  const naming = random.weighted(
    namings
      .filter((one) => (one.form ?? 'file') === form && one.needs.every(can))
      .map((one) => [one.weight, one] as const),
  );
  const named = (patterns: readonly string[]) => patterns.map((pattern) => pattern.replaceAll('N', name));
  const sourceType = castSource(random, form);
  const apart = random.once(3);
  const isGated = features.length > 0 && name !== COMPONENT;
  const symlink = random.pick([`${name}.current`, `/var/lib/store/${name}.link`]);
  return {
    naming,
    spec: {
      name,
      sourceType,
      targetType: form === 'file' ? 'regular-file' : random.once(4) ? 'subvolume' : 'directory',
      // What is in a directory is no file of its own on the server.
      sourceDirectory: form === 'directory' || random.once(4) ? `of-${name}` : '',
      targetDirectory: apart ? `in-${name}` : '',
      sourcePatterns: named(naming.source),
      targetPatterns: named(naming.target),
      transfer: {
        ...(random.once(6) ? { MinVersion: random.pick(versions) } : {}),
        ...(random.once(5) ? { ProtectVersion: random.some(versions, 1 + random.below(2)) } : {}),
        ...(isGated && random.once(2) ? { Features: random.pick(features) } : {}),
        ...(isGated && random.once(3) ? { RequisiteFeatures: random.pick(features) } : {}),
      },
      target: {
        ...(random.once(4)
          ? {}
          : {
              InstancesMax: String(
                random.weighted([
                  [5, 2],
                  [2, 3],
                  [1, 1],
                  [1, 4],
                ] as const),
              ),
            }),
        ...(can('current symlink') && random.once(4) ? { CurrentSymlink: symlink } : {}),
        ...(random.once(6) ? { Mode: `0${random.pick(modes)}` } : {}),
      },
    },
  };
}

function castSource(random: Random, form: 'file' | 'tar' | 'directory'): SourceType {
  const isLocal = !random.once(4);
  switch (form) {
    case 'file':
      return can('source regular-file') && isLocal ? 'regular-file' : 'url-file';
    case 'tar':
      return can('source url-tar') && random.once(2) ? 'url-tar' : 'tar';
    case 'directory':
      return isLocal ? 'directory' : 'subvolume';
  }
}
