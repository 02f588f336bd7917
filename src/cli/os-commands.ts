/** The commands that know several operating systems, or go back: gather, decide or act, and hand over a document. */
import { resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import type { PreparedOs, PrepareTarget } from '../prepare.ts';
import type { KnownOs } from '../resolve/os-identity.ts';
import { describeOs, knownOs } from '../resolve/os-identity.ts';
import type { RunOptions, System } from '../system.ts';
import type { Requests } from '../work.ts';
import type { OsDocument } from './document.ts';
import { type Found, type Outcome, planOnly, requireManaged, withSystem } from './outcome.ts';

/** Which operating systems `prepare` is for. */
export interface PrepareOptions {
  readonly osRoot?: string | undefined;
  readonly osRelease?: string | undefined;
  readonly uki?: string | undefined;
  readonly bootable: boolean;
  readonly check: boolean;
}

/** At boot: the versions that go with the OS that was booted. */
export function selectCommand(run: RunOptions, dryRun: boolean): Promise<Outcome> {
  return withSystem({ ...run, offline: true, lenient: true }, async (system) => {
    const { select } = await import('../select.ts');
    const result = await select(system, { dryRun });
    return dryRun ? planOnly(result) : result;
  });
}

/** After `boot-complete.target`: the boot is good. */
export function blessCommand(run: RunOptions, dryRun: boolean): Promise<Outcome> {
  return withSystem({ ...run, offline: true, lenient: true }, async (system) => {
    const { bless } = await import('../bless.ts');
    return bless(system, { dryRun });
  });
}

/** Back to the versions before. */
export function rollbackCommand(run: RunOptions, names: readonly string[], dryRun: boolean): Promise<Outcome> {
  return withSystem({ ...run, offline: true, lenient: true }, async (system) => {
    requireManaged(system);
    const { rollback } = await import('../rollback.ts');
    const result = await rollback(system, names, { dryRun });
    return dryRun ? planOnly(result) : result;
  });
}

/** Keeps components at a version. */
export function holdCommand(run: RunOptions, requests: Requests, dryRun: boolean): Promise<Outcome> {
  return withSystem({ ...run, offline: true }, async (system) => {
    requireManaged(system);
    const { hold } = await import('../rollback.ts');
    return { ...(await hold(system, requests, { dryRun })), dryRun };
  });
}

/** Lets components follow the newest version again. */
export function unholdCommand(run: RunOptions, dryRun: boolean): Promise<Outcome> {
  return withSystem({ ...run, offline: true }, async (system) => {
    const { unhold } = await import('../rollback.ts');
    return { ...(await unhold(system, { dryRun })), dryRun };
  });
}

export function resetFloorCommand(run: RunOptions, dryRun: boolean): Promise<Outcome> {
  return withSystem({ ...run, offline: true }, async (system) => {
    const { resetFloor } = await import('../reset-floor.ts');
    return { ...(await resetFloor(system, { dryRun })), dryRun };
  });
}

/** What was done, oldest first. */
export function historyCommand(run: RunOptions): Promise<Outcome> {
  return withSystem({ ...run, offline: true }, async (system) => {
    const { readHistory } = await import('../os/history.ts');
    const wanted = new Set(system.options.components);
    const concerns = (component: string | null) => wanted.size === 0 || (component !== null && wanted.has(component));
    const history = readHistory(system.options.root)
      .map((entry) => ({
        ...entry,
        done: entry.done.filter(({ component }) => concerns(component)),
        errors: entry.errors.filter(({ component }) => concerns(component)),
      }))
      .filter(({ done, errors }) => done.length + errors.length > 0);
    return { resolutions: [], errors: [], history };
  });
}

/** What every bootable OS would get. */
export function statusByOsCommand(run: RunOptions): Promise<Outcome> {
  return withSystem({ ...run, offline: true }, async (system): Promise<Found> => {
    const { statusByOs } = await import('../os-status.ts');
    const statuses = await statusByOs(system);
    const oses = statuses.map(({ os, components }) => ({
      ...osDocument(os, os),
      components: components.map(({ component, version, reason, text }) => ({
        component,
        version: version ?? null,
        reason: { code: reason, text },
      })),
    }));
    return { resolutions: [], errors: [], oses };
  });
}

/** Prepares for operating systems that are not running. @throws UsageError, ConfigError */
export function prepareCommand(run: RunOptions, options: PrepareOptions): Promise<Outcome> {
  return withSystem(run, async (system): Promise<Found> => {
    const { prepare } = await import('../prepare.ts');
    const targets = await targetsOf(system, options);
    const prepared = await prepare(system, targets, { check: options.check });
    return {
      resolutions: [],
      errors: prepared.flatMap(({ result }) => result.errors),
      ...(options.check ? {} : { done: prepared.flatMap(({ result }) => result.done) }),
      oses: prepared.map(preparedDocument),
    };
  });
}

async function targetsOf(system: System, options: PrepareOptions): Promise<PrepareTarget[]> {
  const given = [options.osRoot, options.osRelease, options.uki].filter((value) => value !== undefined);
  if (given.length + Number(options.bootable) !== 1 || given.includes('')) {
    throw new UsageError('prepare: which operating system?', {
      next: 'give one of --os-root=DIR, --os-release=FILE, --uki=FILE, --bootable, and only one',
    });
  }
  const { release } = system.os;
  const asTarget = (fields: KnownOs['release']['fields']): PrepareTarget => ({
    os: knownOs({ ...release, fields, initrd: false }),
  });
  if (options.osRoot !== undefined) {
    const { readSlot } = await import('../os/bootable/slot.ts');
    const directory = resolve(options.osRoot);
    const { fields, osRoot } = readSlot('', directory);
    const { bareUsrAt, treeAt } = await import('../os/root.ts');
    if (osRoot === undefined) return [{ ...asTarget(fields), vendor: bareUsrAt(directory) }];
    return [{ ...asTarget(fields), tree: directory, vendor: treeAt(directory) }];
  }
  if (options.osRelease !== undefined) {
    const { readReleaseFile } = await import('../os/bootable/tree-release.ts');
    return [asTarget(readReleaseFile(resolve(options.osRelease)))];
  }
  if (options.uki !== undefined) {
    const { readUki } = await import('../os/bootable/uki.ts');
    return [asTarget(await readUki(resolve(options.uki)))];
  }
  const { listBootable } = await import('../bootable.ts');
  const { otherOses } = await import('../resolve/bootable.ts');
  const { readState } = await import('../os/state.ts');
  const state = readState(system.options.root, false);
  return otherOses(await listBootable(system, state)).map((os) => ({ os }));
}

function preparedDocument({ os, result }: PreparedOs): OsDocument {
  return {
    ...osDocument(os, { running: false, origin: 'asked', where: '' }),
    components: result.resolutions.map(({ component, chosen, versions }) => {
      const [newest] = versions;
      const why = newest ? `the newest is ${newest.version}: ${newest.reason.text}` : 'none is offered or installed';
      const fitting = chosen?.compatible === null ? 'chosen; whether it fits shows when it is acquired' : 'fits';
      return {
        component: component.name,
        version: chosen?.version ?? null,
        reason: chosen ? { code: 'chosen', text: fitting } : { code: 'none', text: `no version fits; ${why}` },
      };
    }),
  };
}

function osDocument(
  os: KnownOs,
  { running, origin, where }: Pick<OsDocument, 'running' | 'origin' | 'where'>,
): Omit<OsDocument, 'components'> {
  return { name: os.name, description: describeOs(os), running, origin, where };
}
