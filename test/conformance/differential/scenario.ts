/**
 * What is played: definitions, what a publisher does, what happens to the files, what is commanded. Plain data, so that
 * a scenario that fails can be printed, edited and played again.
 */
import type { SourceType, TargetType } from '../../../src/types.ts';
import { definition } from '../../support/world.ts';
import type { TreeShape } from './published-tree.ts';

/** Where everything of a scenario is installed, below its root; this is what is compared. */
export const STORE = '/var/lib/store';
/** Where the sources are, below the root. */
export const SOURCE = '/src';
/** The name of the component. */
export const COMPONENT = 'app';

export interface TransferSpec {
  /** What its files are called. */
  readonly name: string;
  readonly sourceType: SourceType;
  readonly targetType: TargetType;
  /** Below {@link SOURCE}; '' = directly there. */
  readonly sourceDirectory: string;
  /** Below {@link STORE}; '' = directly there. */
  readonly targetDirectory: string;
  readonly sourcePatterns: readonly string[];
  /** Empty = those of the source. */
  readonly targetPatterns: readonly string[];
  /** Settings of `[Transfer]` and `[Target]` beside those. */
  readonly transfer: Readonly<Record<string, string | readonly string[]>>;
  readonly target: Readonly<Record<string, string>>;
}

/** One file, archive or directory of a release, by path below {@link SOURCE}. */
export interface PublishedFile {
  readonly path: string;
  readonly content: string;
  /** Whether it is published compressed. */
  readonly gzip?: boolean;
  /** Where it is no file: what it is, and how the tree in it is made. */
  readonly tree?: { readonly form: 'tar' | 'directory'; readonly shape: TreeShape };
}

/**
 * To cut off: a file is made shorter, a directory loses a file. To turn: a file becomes a directory, a directory a file.
 * The directory that is removed is the one that holds it.
 */
export type Damage = 'remove' | 'cut off' | 'turn' | 'remove directory';

export type CommandWord = 'check-new' | 'update' | 'vacuum' | 'list';

export type Step =
  | { readonly do: 'publish'; readonly files: readonly PublishedFile[] }
  | { readonly do: 'withdraw'; readonly paths: readonly string[] }
  /** Something that neither program has put below {@link STORE}; `link` makes it a link. */
  | {
      readonly do: 'put';
      readonly path: string;
      readonly content?: string;
      readonly link?: string;
      /** Whether it is a directory, with the content in a file. */
      readonly directory?: boolean;
    }
  /** What happens to an installed file or directory: the nth of those that are there. */
  | { readonly do: 'damage'; readonly how: Damage; readonly nth: number }
  | { readonly do: 'feature'; readonly name: string; readonly enabled: boolean }
  /** A setting of one definition is changed by its author. */
  | {
      readonly do: 'redefine';
      readonly transfer: number;
      readonly section: 'transfer' | 'target';
      readonly set: Readonly<Record<string, string | readonly string[]>>;
    }
  | { readonly do: 'command'; readonly command: CommandWord; readonly version?: string };

export interface Scenario {
  /** Makes the same scenario again. */
  readonly seed: number;
  readonly transfers: readonly TransferSpec[];
  /** Features, and whether they are enabled at first. */
  readonly features: Readonly<Record<string, boolean>>;
  readonly steps: readonly Step[];
}

/** The text of a definition. @param base URL of {@link SOURCE} */
export function definitionOf(spec: TransferSpec, base: string): string {
  const isUrl = spec.sourceType.startsWith('url-');
  const directory = spec.sourceDirectory === '' ? '' : `/${spec.sourceDirectory}`;
  return definition({
    Transfer: { Verify: 'no', ...spec.transfer },
    Source: {
      Type: spec.sourceType,
      Path: `${isUrl ? base : SOURCE}${directory}`,
      MatchPattern: spec.sourcePatterns.join(' '),
    },
    Target: {
      Type: spec.targetType,
      Path: `${STORE}${spec.targetDirectory === '' ? '' : `/${spec.targetDirectory}`}`,
      ...(spec.targetPatterns.length > 0 ? { MatchPattern: spec.targetPatterns.join(' ') } : {}),
      ...spec.target,
    },
  });
}

/** A step in one line. */
export function renderStep(step: Step): string {
  switch (step.do) {
    case 'publish':
      return `publish ${step.files.map(({ path, gzip, tree }) => `${path}${gzip ? ' (gzip)' : ''}${tree ? ` (${tree.form}, ${tree.shape})` : ''}`).join(', ')}`;
    case 'withdraw':
      return `withdraw ${step.paths.join(', ')}`;
    case 'put':
      return `put ${step.path}${step.directory ? '/' : ''}${step.link === undefined ? '' : ` -> ${step.link}`}`;
    case 'damage':
      return `damage: ${step.how} of installed file ${step.nth}`;
    case 'feature':
      return `feature ${step.name}: ${step.enabled ? 'on' : 'off'}`;
    case 'redefine':
      return `redefine transfer ${step.transfer}: ${JSON.stringify(step.set)}`;
    case 'command':
      return `$ ${step.command}${step.version === undefined ? '' : ` ${step.version}`}`;
  }
}
