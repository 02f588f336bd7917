/** What a run leaves for later ones: the way back, holds, the record of the OS, a line of history. */
import { isDeepStrictEqual } from 'node:util';
import { mergesHere } from './apply/activate-set.ts';
import { reportOf } from './errors.ts';
import { appendHistory } from './os/history.ts';
import { readRecords, removeRecord, writeRecord } from './os/records.ts';
import type { State } from './os/state.ts';
import { recordOf } from './resolve/needed-files.ts';
import { asGood, changeRecord, type OsRecord, type RecordedComponent } from './resolve/record.ts';
import { fileNameOf } from './survey.ts';
import type { System } from './system.ts';
import { activeName } from './target/active.ts';
import { listInstalled } from './target/list-installed.ts';
import { stateKey } from './target/paths.ts';
import type { Component } from './types.ts';
import { newestFirst } from './version/compare.ts';
import type { Requests, UpdateResult, Work } from './work.ts';

/** The version to go back to; and an explicit downgrade keeps everything newer out until something newer appears. */
export function rememberChoice(system: System, state: State, work: Work, requests: Requests, goesBack: boolean): void {
  const { plan, resolution, survey } = work;
  if (work.error || !plan || !resolution) return;
  const { name } = survey.component;
  const isExposed = work.moment === 'now';
  if (goesBack) delete state.previous[name];
  else if (isExposed && plan.from !== undefined && plan.from !== plan.version) state.previous[name] = plan.from;
  if (requests.get(name) === undefined) return;
  // Asked for by name and active now: whatever was held against it is over.
  const { offered, installed } = resolution.chosen ?? { offered: new Map(), installed: new Map() };
  for (const { sha256 } of [...offered.values(), ...installed.values()]) if (sha256) delete state.bad[sha256];
  if (state.pinned[name] !== undefined && state.pinned[name] !== plan.version) {
    system.options.reporter.notice(name, `it is not held at ${state.pinned[name]} any more`);
    delete state.pinned[name];
  }
  delete state.heldFor[system.os.name]?.[name];
  // What this OS cannot use anyway is not held, and what nobody has looked into is held for this OS only: it may be just
  // the version that the next OS needs.
  const newer = resolution.versions.filter(({ version }) => newestFirst(version, plan.version) < 0);
  const known = newer.filter(({ compatible }) => compatible === true).map(({ version }) => version);
  const unknown = newer.filter(({ compatible }) => compatible === null).map(({ version }) => version);
  if (known.length > 0) state.held[name] = known;
  else delete state.held[name];
  if (unknown.length > 0) state.heldFor[system.os.name] = { ...state.heldFor[system.os.name], [name]: unknown };
  const held = [...known, ...unknown];
  if (held.length > 0) {
    const text = `${held.join(', ')} ${held.length > 1 ? 'are' : 'is'} held until something newer appears`;
    system.options.reporter.notice(name, `${text}; "extupdate unhold ${name}" releases`);
  }
}

/**
 * Writes what is active now into the record of the OS; what waits for the next boot is planned there.
 * @throws StorageError
 */
export async function recordRun(system: System, state: State, place: string, works: readonly Work[]): Promise<void> {
  const { root } = system.options;
  const before = recordOf(readRecords(root, true), system.os);
  const entries = new Map<string, RecordedComponent | undefined>();
  for (const work of works) {
    const { name } = work.survey.component;
    const entry = waitsForBoot(work)
      ? plannedEntry(state, work, system.bootId)
      : await activeEntry(system, state, place, work);
    entries.set(name, entry && settleEntry(system, work, entry, before?.components[name]));
  }
  await adoptRecord(system, changeRecord(system.os, before, entries, system.now));
}

/** Writes the record of the OS; one that was made before its deployment was known has served its purpose. */
export async function adoptRecord(system: System, record: OsRecord): Promise<void> {
  const { root } = system.options;
  const { name, identity } = system.os;
  await writeRecord(root, name, record);
  if (name !== identity) await removeRecord(root, identity);
}

/** Whether a work's new version is installed, and becomes visible at the next boot. */
export function waitsForBoot({ moment, plan, error }: Work): boolean {
  return moment === 'reboot' && !error && plan?.steps.some(({ step }) => step === 'expose') === true;
}

/** An entry is good once systemd has merged it; the same content stays as good as it was. */
function settleEntry(
  system: System,
  work: Work,
  entry: RecordedComponent,
  before: RecordedComponent | undefined,
): RecordedComponent {
  if (entry.planned !== undefined) return entry;
  // After a failure, what was active before is so again.
  const isVerified = mergesHere(system) && (work.error === undefined || entry.version !== work.plan?.version);
  if (isVerified) return asGood(entry);
  const isSame = before !== undefined && isDeepStrictEqual(asGood(before), asGood(entry));
  return isSame ? before : { ...entry, planned: system.bootId };
}

/** The entry for a version that is installed and not visible yet. */
export function plannedEntry(
  state: State,
  { plan }: Pick<Work, 'plan'>,
  bootId: string,
): RecordedComponent | undefined {
  if (!plan) return undefined;
  const files = plan.component.transfers.flatMap((transfer) => {
    const installed = plan.chosen.installed.get(transfer.id);
    const offered = plan.chosen.offered.get(transfer.id);
    if (installed) return [{ file: installed.path, sha256: installed.sha256 ?? null }];
    if (!offered) return [];
    const file = stateKey(transfer, fileNameOf(transfer, offered));
    return [{ file, sha256: state.installed[file]?.sha256 ?? offered.sha256 }];
  });
  return entryOf(plan.version, files, bootId);
}

/** The entry for what is visible; undefined for what systemd would not take on this OS although it sees it. */
async function activeEntry(
  system: System,
  state: State,
  place: string,
  { survey: { component }, resolution }: Work,
): Promise<RecordedComponent | undefined> {
  const found = await activeFiles(system, state, place, component);
  const version = found?.[0]?.version;
  if (!found || version === undefined || found.some((file) => file.version !== version)) return undefined;
  if (resolution?.versions.some((one) => one.version === version && one.compatible === false)) return undefined;
  return entryOf(
    version,
    found.map(({ file, sha256 }) => ({ file, sha256 })),
  );
}

/** The visible file of every transfer, read off the disk; undefined when one has none. */
async function activeFiles(system: System, state: State, place: string, component: Component) {
  const files = [];
  for (const transfer of component.transfers) {
    const installed = await listInstalled(place, transfer, state, { readImages: false });
    const name = activeName(place, transfer, installed, system.host.release.architecture);
    const instance = installed.find((one) => one.name === name);
    if (!instance) return undefined;
    files.push({ version: instance.version, file: instance.path, sha256: instance.sha256 ?? null });
  }
  return files;
}

function entryOf(
  version: string,
  [first, ...others]: readonly { readonly file: string; readonly sha256: string | null }[],
  planned?: string,
): RecordedComponent | undefined {
  if (!first) return undefined;
  return {
    version,
    sha256: first.sha256,
    file: first.file,
    ...(others.length > 0 ? { others: [...others] } : {}),
    ...(planned === undefined ? {} : { planned }),
  };
}

/** Adds a line to the history when something was done, or could not be activated. */
export async function rememberRun(
  system: System,
  command: string,
  { done, errors }: Pick<UpdateResult, 'done' | 'errors'>,
  { undoes }: { readonly undoes?: string } = {},
): Promise<void> {
  if (done.length === 0 && errors.every(({ code }) => code !== 'activation')) return;
  const entry = {
    at: new Date().toISOString(),
    command,
    os: system.os.name,
    done: done.map((action) => ({ ...action })),
    errors: errors.map(({ component, code, message }) => ({ component, code, message })),
    ...(undoes === undefined ? {} : { undoes }),
  };
  try {
    await appendHistory(system.options.root, entry);
  } catch (error) {
    // What was done is done.
    system.options.reporter.notice('', `the history is not written: ${reportOf(error).message}`);
  }
}
