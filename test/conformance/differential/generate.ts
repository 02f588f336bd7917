/** Makes scenarios: the same seed, the same scenario. */
import { createHash } from 'node:crypto';
import { isTreeTarget } from '../../../src/source/source-types.ts';
import { isSameVersion } from '../../../src/version/compare.ts';
import { type Cast, can, castTransfer } from './cast.ts';
import { treeShapes } from './published-tree.ts';
import { randomFrom } from './random.ts';
import type { PublishedFile, Scenario, Step } from './scenario.ts';
import { packContent } from './source.ts';
import {
  besideNames,
  foreignNames,
  foreignTreeNames,
  modes,
  namedTime,
  transferNames,
  versionPools,
} from './vocabulary.ts';

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
    if (can('turning back') && random.once(6)) steps.push(...backAndForth(cast));
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

/** What chance alone brings about too rarely: a person turns back to what is still there. */
function backAndForth(cast: Cast): Step[] {
  const { random, features, published } = cast;
  if (features.length > 0) {
    const name = random.pick(features);
    const turned = (enabled: boolean): Step[] => [
      { do: 'feature', name, enabled },
      { do: 'command', command: 'update' },
    ];
    return [...turned(true), ...turned(false)];
  }
  const [older] = published.values();
  const newest = random.pick(cast.versions);
  if (older === undefined || older === newest) return [];
  const update = (version?: string): Step => ({
    do: 'command',
    command: 'update',
    ...(version === undefined ? {} : { version }),
  });
  return [update(older), publish(cast, newest), update(newest), update(older)];
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
