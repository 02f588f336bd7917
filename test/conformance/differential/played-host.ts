/** The host of one program while a scenario is played: its definitions, its source, what is installed on it. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isTreeTarget } from '../../../src/source/source-types.ts';
import { matchPatterns } from '../../../src/version/pattern.ts';
import { inflict } from './damage.ts';
import { COMPONENT, definitionOf, type Scenario, SOURCE, STORE, type Step, type TransferSpec } from './scenario.ts';
import { targetPatternsOf } from './situation.ts';
import { publishFiles, withdrawFiles, writeManifest } from './source.ts';
import { readTree, type Tree } from './tree.ts';

/** Below the root: what a scenario makes, and what is cleaned away after it. */
const MADE = ['etc', 'var', SOURCE];

export class PlayedHost {
  readonly root: string;
  readonly store: string;
  readonly #source: string;
  readonly #url: string;
  readonly #transfers: TransferSpec[];
  readonly #isTree: (path: string) => boolean;

  /** @param url of the root */
  constructor(root: string, url: string, scenario: Scenario) {
    this.root = root;
    this.store = join(root, STORE);
    this.#source = join(root, SOURCE);
    this.#url = `${url}${SOURCE}`;
    this.#transfers = [...scenario.transfers];
    this.#isTree = treesOf(scenario.transfers);
    this.#write('etc/os-release', 'ID=testos\nVERSION_ID=1\n');
    mkdirSync(this.store, { recursive: true });
    for (const spec of this.#transfers) this.#define(spec);
    for (const [name, enabled] of Object.entries(scenario.features)) this.#write(`${name}.feature`, feature(enabled));
    this.#list();
  }

  files(): Tree {
    return readTree(this.store, this.#isTree);
  }

  /** What is installed, in an order that does not change; not what is hidden. */
  installed(): string[] {
    return [...this.files()]
      .filter(
        ([path, { kind }]) =>
          (kind === 'file' || kind === 'tree') && !path.split('/').some((part) => part.startsWith('.')),
      )
      .map(([path]) => path);
  }

  /**
   * Anything but a command.
   * @param installed what one of both has, so that the same file is damaged on both
   */
  take(step: Exclude<Step, { do: 'command' }>, installed: readonly string[]): void {
    switch (step.do) {
      case 'publish':
        publishFiles(this.#source, step.files);
        this.#list();
        return;
      case 'withdraw':
        withdrawFiles(this.#source, step.paths);
        this.#list();
        return;
      case 'put':
        this.#put(step);
        return;
      case 'damage': {
        const victim = installed[step.nth % Math.max(1, installed.length)];
        if (victim !== undefined) inflict(step.how, join(this.store, victim));
        return;
      }
      case 'feature':
        this.#write(`${step.name}.feature.d/50-switch.conf`, feature(step.enabled));
        return;
      case 'redefine': {
        const spec = this.#transfers[step.transfer];
        if (!spec) return;
        const changed = { ...spec, [step.section]: { ...spec[step.section], ...step.set } };
        this.#transfers[step.transfer] = changed;
        this.#define(changed);
      }
    }
  }

  close(): void {
    for (const name of MADE) rmSync(join(this.root, name), { recursive: true, force: true });
  }

  #put(step: Extract<Step, { do: 'put' }>): void {
    const path = join(this.store, step.path);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(dirname(path), { recursive: true });
    if (step.link !== undefined) symlinkSync(step.link, path);
    else if (step.directory !== true) writeFileSync(path, step.content ?? '');
    else {
      mkdirSync(path);
      writeFileSync(join(path, 'file'), step.content ?? '');
    }
  }

  #define(spec: TransferSpec): void {
    this.#write(`${spec.name}.transfer`, definitionOf(spec, this.#url));
  }

  #list(): void {
    const placeOf = ({ sourceDirectory }: TransferSpec) => join(this.#source, sourceDirectory);
    const all = this.#transfers.map(placeOf);
    const asked = this.#transfers.filter(({ sourceType }) => sourceType.startsWith('url-')).map(placeOf);
    for (const directory of all) mkdirSync(directory, { recursive: true });
    for (const directory of new Set(asked)) {
      const others = all.filter((other) => other.startsWith(`${directory}/`));
      writeManifest(directory, others);
    }
  }

  /** Writes a file of the component, or one by its path. */
  #write(name: string, content: string): void {
    const file = join(this.root, name.startsWith('etc/') ? name : `etc/sysupdate.${COMPONENT}.d/${name}`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** Which directories are one thing: those that are versions, and hidden ones. */
function treesOf(transfers: readonly TransferSpec[]): (path: string) => boolean {
  const places = transfers
    .filter(({ targetType }) => isTreeTarget(targetType))
    .map((spec) => ({ at: spec.targetDirectory, patterns: targetPatternsOf(spec) }));
  return (path) =>
    basename(path).startsWith('.') ||
    places.some(({ at, patterns }) => {
      const name = at === '' ? path : path.slice(at.length + 1);
      return (at === '' || path.startsWith(`${at}/`)) && matchPatterns(patterns, name) !== undefined;
    });
}

function feature(enabled: boolean): string {
  return `[Feature]\nEnabled=${enabled ? 'yes' : 'no'}\n`;
}
