/**
 * What the program is in the middle of when something goes wrong: an operation on a layout, from a tree of its own. The
 * versions: 1 is active, 2 is the next one, both for OS 1; 3 is for OS 2.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256, sign, type TestKey } from '../support/repository.ts';
import { type Layout, layouts, putPayload } from './layouts.ts';
import type { Runner } from './trace.ts';

export interface Situation {
  readonly name: string;
  readonly layout: Layout;
  readonly operation: string;
  /** Arguments of the run in which something goes wrong. */
  readonly run: readonly string[];
  /** Arguments of the next runs, which need no help: the same again, or what a timer starts. */
  readonly next: readonly (readonly string[])[];
  /** Versions that systemd may see after the fault; undefined where a person wants none. */
  readonly allowed: readonly (string | undefined)[];
  /** Versions that it may see after the next run. */
  readonly final: readonly (string | undefined)[];
  /** Directory that the source publishes; it belongs to no root, so that roots can be copied. */
  readonly published: string;
  /** Makes the tree that the run starts from. */
  build(root: string, runner: Runner): Promise<void>;
}

/** For which OS a version is made. */
export const osOf = (version: string): string => (version === '3' ? '2' : '1');

interface Operation {
  readonly name: string;
  readonly published: readonly string[];
  /** Runs that lead to the tree that the operation starts from, and what is published before each. */
  readonly before: readonly { readonly publish: readonly string[]; readonly args: readonly string[]; os?: string }[];
  /** The OS that is running at last. */
  readonly os?: string;
  readonly run: readonly string[];
  /** The same again where nothing is said. */
  readonly next?: readonly (readonly string[])[];
  readonly allowed: readonly (string | undefined)[];
  readonly final: readonly (string | undefined)[];
  /** Whether a feature turns the extension on. */
  readonly feature?: boolean;
  readonly isFor?: (layout: Layout) => boolean;
}

const installed = { publish: ['1'], args: ['apply'] } as const;
const updated = { publish: ['1', '2'], args: ['apply'] } as const;
const otherOs = '--os-release=OTHER';

const operations: readonly Operation[] = [
  {
    name: 'acquire',
    published: ['1', '2'],
    before: [installed],
    run: ['acquire'],
    next: [['apply']],
    allowed: ['1'],
    final: ['2'],
    // Trees of this machine are not acquired.
    isFor: ({ name }) => name !== 'copied',
  },
  {
    name: 'install',
    published: ['1', '2'],
    before: [installed, { publish: ['1', '2'], args: ['acquire'] }],
    run: ['install', '--no-activate'],
    next: [['install']],
    allowed: ['1'],
    final: ['2'],
  },
  {
    name: 'expose',
    published: ['1', '2'],
    before: [
      installed,
      { publish: ['1', '2'], args: ['acquire'] },
      { publish: ['1', '2'], args: ['install', '--no-activate'] },
    ],
    run: ['install'],
    allowed: ['1', '2'],
    final: ['2'],
  },
  { name: 'apply', published: ['1', '2'], before: [installed], run: ['apply'], allowed: ['1', '2'], final: ['2'] },
  {
    name: 'rollback',
    published: ['1', '2'],
    before: [installed, updated],
    run: ['rollback', 'app'],
    // Where the person's wish was not written down yet, the newest is what is wanted.
    next: [['apply']],
    allowed: ['1', '2'],
    final: ['1', '2'],
  },
  {
    name: 'prepare',
    published: ['1', '2', '3'],
    before: [installed, updated],
    run: ['prepare', otherOs],
    next: [['prepare', otherOs], ['apply']],
    allowed: ['2'],
    final: ['2'],
  },
  {
    name: 'select',
    published: ['1', '2', '3'],
    before: [installed, updated, { publish: ['1', '2', '3'], args: ['prepare', otherOs] }],
    os: '2',
    run: ['select'],
    next: [['select'], ['apply']],
    allowed: ['2', '3'],
    final: ['3'],
  },
  {
    name: 'gc',
    published: ['1', '1.1', '1.2', '2'],
    before: ['1', '1.1', '1.2', '2'].map((version) => ({ publish: [version], args: ['apply', '--instances-max=9'] })),
    run: ['gc'],
    allowed: ['2'],
    final: ['2'],
  },
  {
    name: 'prune',
    published: ['1', '1.1', '1.2', '2'],
    before: ['1', '1.1', '1.2'].map((version) => ({ publish: [version], args: ['apply', '--instances-max=9'] })),
    run: ['apply'],
    allowed: ['1.2', '2'],
    final: ['2'],
  },
  {
    name: 'disable',
    published: ['1', '2'],
    before: [installed, updated],
    feature: true,
    run: ['disable', 'app', '--feature=extra', '--now'],
    allowed: ['2', undefined],
    final: [undefined],
  },
  {
    name: 'remove',
    published: ['1', '2'],
    before: [installed, updated],
    run: ['remove', 'app', '--yes', '--purge'],
    // Before the definition is gone, what a run finds missing it puts back.
    next: [['apply']],
    allowed: ['2', undefined],
    final: ['2', undefined],
  },
  {
    name: 'hold',
    published: ['1', '2'],
    before: [installed],
    run: ['hold', 'app'],
    next: [['hold', 'app'], ['apply']],
    allowed: ['1'],
    final: ['1'],
    isFor: ({ name }) => name === 'raw',
  },
  {
    name: 'bless',
    published: ['1', '2', '3'],
    before: [
      installed,
      updated,
      { publish: ['1', '2', '3'], args: ['prepare', otherOs] },
      { publish: [], args: ['select'], os: '2' },
    ],
    os: '2',
    run: ['bless'],
    next: [['bless'], ['apply']],
    allowed: ['3'],
    final: ['3'],
    isFor: ({ name }) => name === 'raw',
  },
];

/** All situations, in a directory of their own. */
export function situationsIn(directory: string, key: TestKey): Situation[] {
  return layouts.flatMap((layout) =>
    operations
      .filter(({ isFor }) => isFor?.(layout) ?? true)
      .map((operation) => situationOf(join(directory, `${layout.name}-${operation.name}`), key, layout, operation)),
  );
}

function situationOf(place: string, key: TestKey, layout: Layout, operation: Operation): Situation {
  const published = join(place, 'published');
  const other = join(place, 'other-os-release');
  const withPaths = (args: readonly string[]) => [
    ...args.map((word) => word.replace('OTHER', other)),
    // What is removed is asked of no source.
    ...(layout.name === 'copied' && args[0] !== 'remove' ? [`--transfer-source=${published}`] : []),
  ];
  const publish = async (versions: readonly string[]) => {
    rmSync(published, { recursive: true, force: true });
    mkdirSync(published, { recursive: true });
    for (const version of versions) putPayload(layout, published, version, osOf(version));
    if (layout.name === 'copied') return;
    const sums = versions.map((version) => layout.payload(version, osOf(version)));
    const list = sums.map(([name, content]) => `${sha256(content)} *${name}\n`).join('');
    writeFileSync(join(published, 'SHA256SUMS'), list);
    if (layout.signed) writeFileSync(join(published, 'SHA256SUMS.gpg'), await sign(list, [key]));
  };
  return {
    name: `${layout.name}/${operation.name}`,
    layout,
    operation: operation.name,
    run: withPaths(operation.run),
    next: (operation.next ?? [operation.run]).map(withPaths),
    allowed: operation.allowed,
    final: operation.final,
    published,
    async build(root, runner) {
      const write = (path: string, content: string | Uint8Array) => {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), content);
      };
      write('usr/lib/os-release', osRelease('1'));
      write('etc/systemd/import-pubring.pgp', key.binaryPublicKey);
      const feature = operation.feature ? '\n[Transfer]\nFeatures=extra\n' : '';
      write('etc/extupdate/transfer.d/app.transfer', layout.transfer(published, {}) + feature);
      write('etc/extupdate/transfer.d/extra.feature', '[Feature]\nEnabled=yes\n');
      mkdirSync(published, { recursive: true });
      writeFileSync(other, osRelease('2'));
      for (const step of operation.before) {
        if (step.publish.length > 0) await publish(step.publish);
        if (step.os !== undefined) write('usr/lib/os-release', osRelease(step.os));
        const result = await runner.plain(root, withPaths(step.args));
        if (result.status !== 0) throw new Error(`${layout.name}/${operation.name}: ${step.args}: ${result.stderr}`);
      }
      await publish(operation.published);
      if (operation.os !== undefined) write('usr/lib/os-release', osRelease(operation.os));
    },
  };
}

function osRelease(version: string): string {
  return `ID=testos\nVERSION_ID=${version}\n`;
}
