/** Makes scenarios: the same seed, the same scenario. */
import { createHash } from 'node:crypto';
import { isTreeTarget } from '../../../src/source/source-types.ts';
import type { SourceType } from '../../../src/types.ts';
import { isSameVersion } from '../../../src/version/compare.ts';
import { treeShapes } from './published-tree.ts';
import { type Random, randomFrom } from './random.ts';
import { COMPONENT, type PublishedFile, type Scenario, type Step, type TransferSpec } from './scenario.ts';
import { packContent } from './source.ts';
import { type Dimension, supported } from './supported.ts';
import {
  besideNames,
  foreignNames,
  foreignTreeNames,
  modes,
  type Naming,
  namedTime,
  namings,
  transferNames,
  versionPools,
} from './vocabulary.ts';

/** What the steps of a scenario are made from. */
interface Cast {
  readonly random: Random;
  readonly versions: readonly string[];
  readonly transfers: readonly { readonly spec: TransferSpec; readonly naming: Naming }[];
  readonly features: readonly string[];
  /** What is published now, by path, and the version that it was made for. */
  readonly published: Map<string, string>;
  /** Makes every content one of its own. */
  edition: number;
}

/** @param seed of this one scenario */
export function generateScenario(seed: number): Scenario {
  const random = randomFrom(seed);
  const features = can('features that are switched') && random.once(4) ? ['extra', 'more'] : [];
  const pools = can('versions that are equal') ? versionPools : versionPools.filter(isDistinct);
  const versions = random.pick(pools);
  const count = can('several transfers')
    ? random.weighted([
        [6, 1],
        [3, 2],
        [1, 3],
      ] as const)
    : 1;
  const transfers = transferNames.slice(0, count).map((name) => castTransfer(random, name, versions, features));
  const cast: Cast = { random, versions, transfers, features, published: new Map(), edition: 0 };

  const steps: Step[] = random.some(versions, 1 + random.below(3)).map((version) => publish(cast, version));
  if (random.once(3)) steps.push(...foreign(cast));
  steps.push(...command(cast));
  for (let left = 3 + random.below(2); left > 0; left--) {
    steps.push(...event(cast));
    if (!random.once(3)) steps.push(...event(cast));
    steps.push(...command(cast));
  }
  return {
    seed,
    transfers: transfers.map(({ spec }) => spec),
    features: Object.fromEntries(features.map((name) => [name, random.once(2)])),
    steps,
  };
}

function isDistinct(pool: readonly string[]): boolean {
  return pool.every((one, index) => pool.slice(index + 1).every((other) => !isSameVersion(one, other)));
}

function can(dimension: Dimension): boolean {
  return supported[dimension];
}

function castTransfer(
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

/** A version as its publisher puts it out: one file for every transfer, or not for all. */
function publish(cast: Cast, version: string): Step {
  const { random } = cast;
  const isWhole = !can('incomplete releases') || cast.transfers.length === 1 || !random.once(5);
  const missing = isWhole ? -1 : random.below(cast.transfers.length);
  const files = cast.transfers.filter((_, index) => index !== missing).map((one) => release(cast, one, version));
  if (random.once(8)) files.push(beside(cast, version));
  return { do: 'publish', files };
}

function release(cast: Cast, { spec, naming }: Cast['transfers'][number], version: string): PublishedFile {
  const { random } = cast;
  const pattern = random.once(3) ? random.pick(spec.sourcePatterns) : (spec.sourcePatterns[0] ?? '');
  const gzip = naming.gzip === true && pattern.endsWith('.gz');
  const content = `${spec.name} ${version} edition ${++cast.edition}\n`;
  const tree = naming.form && { form: naming.form, shape: random.pick(treeShapes) };
  const file = { path: '', content, ...(gzip ? { gzip } : {}), ...(tree ? { tree } : {}) };
  const sha256 = createHash('sha256').update(packContent(file)).digest('hex');
  const depth = pattern.startsWith('**/') ? random.pick(['', 'sub/', 'deep/er/']) : '';
  const name = pattern
    .replace('**/', depth)
    .replace('@v', version)
    .replace('@m', random.pick(modes))
    .replace('@t', namedTime(random.below(1000)))
    .replace('@h', sha256);
  const path = spec.sourceDirectory === '' ? name : `${spec.sourceDirectory}/${name}`;
  cast.published.set(path, version);
  return { ...file, path };
}

function beside(cast: Cast, version: string): PublishedFile {
  const { spec } = cast.random.pick(cast.transfers);
  const name = cast.random.pick(besideNames).replace('N', spec.name).replace('V', version);
  const path = spec.sourceDirectory === '' ? name : `${spec.sourceDirectory}/${name}`;
  return { path, content: `beside ${name}\n` };
}

/** What happens between two commands. */
function event(cast: Cast): Step[] {
  const { random, versions } = cast;
  const kind = random.weighted([
    [8, 'publish'],
    [2, 'withdraw'],
    [2, 'damage'],
    [1, 'foreign'],
    [cast.features.length > 0 ? 4 : 0, 'feature'],
    [1, 'redefine'],
    [3, 'nothing'],
  ] as const);
  switch (kind) {
    case 'publish': {
      const isKnown = (version: string) => [...cast.published.values()].includes(version);
      const fresh = versions.filter((version) => !isKnown(version) || can('republished versions'));
      return fresh.length > 0 ? [publish(cast, random.pick(fresh))] : [];
    }
    case 'withdraw':
      return withdraw(cast);
    case 'damage': {
      if (!can('damaged installations')) return [];
      const how = random.weighted([
        [4, 'remove'],
        [1, 'cut off'],
        [1, 'turn'],
        [1, 'remove directory'],
      ] as const);
      return [{ do: 'damage', how, nth: random.below(4) }];
    }
    case 'foreign':
      return foreign(cast);
    case 'feature':
      return [{ do: 'feature', name: random.pick(cast.features), enabled: random.once(2) }];
    case 'redefine':
      return can('definitions that change') ? [redefine(cast)] : [];
    case 'nothing':
      return [];
  }
}

/** A version is taken back: everywhere, or one file of it. */
function withdraw(cast: Cast): Step[] {
  const { random, published } = cast;
  if (published.size === 0) return [];
  const version = random.pick([...published.values()]);
  const all = [...published].filter(([, one]) => one === version).map(([path]) => path);
  const paths = can('incomplete releases') && random.once(3) ? [random.pick(all)] : all;
  for (const path of paths) published.delete(path);
  return [{ do: 'withdraw', paths }];
}

function foreign(cast: Cast): Step[] {
  const { random, versions } = cast;
  if (!can('foreign files')) return [];
  const { spec } = random.pick(cast.transfers);
  const directory = isTreeTarget(spec.targetType) && random.once(2);
  const name = random
    .pick(directory ? foreignTreeNames : foreignNames)
    .replace('N', spec.name)
    .replace('V', random.pick(versions));
  const path = spec.targetDirectory === '' ? name : `${spec.targetDirectory}/${name}`;
  if (!directory && random.once(5)) return [{ do: 'put', path, link: 'elsewhere' }];
  return [{ do: 'put', path, content: `foreign ${name}\n`, ...(directory ? { directory } : {}) }];
}

function redefine(cast: Cast): Step {
  const { random, versions } = cast;
  const transfer = random.below(cast.transfers.length);
  return random.pick<Step>([
    { do: 'redefine', transfer, section: 'transfer', set: { MinVersion: random.pick(versions) } },
    { do: 'redefine', transfer, section: 'transfer', set: { ProtectVersion: random.some(versions, 1) } },
    { do: 'redefine', transfer, section: 'target', set: { InstancesMax: String(2 + random.below(2)) } },
  ]);
}

function command(cast: Cast): Step[] {
  const { random } = cast;
  const kind = random.weighted([
    [10, 'update'],
    [4, 'check-new'],
    [4, 'update version'],
    [2, 'vacuum'],
    [2, 'list'],
  ] as const);
  switch (kind) {
    case 'update version': {
      const version = random.once(3) ? random.pick(cast.versions) : random.pick([...cast.published.values(), '99']);
      return [{ do: 'command', command: 'update', version }];
    }
    case 'update':
      return [{ do: 'command', command: 'update' }];
    default:
      return [{ do: 'command', command: kind }];
  }
}
