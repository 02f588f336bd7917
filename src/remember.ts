/** What a run leaves for later ones: holds, the record of the OS, a line of history. */
import { mergesHere } from './apply/activate-set.ts';
import { turnedOffComponents } from './apply/hide-turned-off.ts';
import { reportOf } from './errors.ts';
import { appendHistory } from './os/history.ts';
import { readRecords, removeRecord, writeRecord } from './os/records.ts';
import type { State } from './os/state.ts';
import { holdsAfterChoice } from './resolve/marks.ts';
import { recordOf } from './resolve/needed-files.ts';
import {
  changeRecord,
  entryAfter,
  type OsRecord,
  type RecordedComponent,
  type RecordedVersion,
} from './resolve/record.ts';
import { isOnTrial, wantedIn } from './survey.ts';
import type { System } from './system.ts';
import { activeNames } from './target/active-names.ts';
import { listInstalled } from './target/list-installed.ts';
import { fileNameOf, stateKey } from './target/paths.ts';
import type { Component } from './types.ts';
import type { Requests, UpdateResult, Work } from './work.ts';

/** A version that was asked for by name is wanted: what was held against it is over, and what is newer is held. */
export function rememberChoice(system: System, state: State, work: Work, requests: Requests): void {
  const { plan, resolution, survey } = work;
  const { name } = survey.component;
  if (work.error || !plan || !resolution || requests.get(name) === undefined) return;
  const { identity } = system.os;
  const { offered, installed } = resolution.chosen ?? { offered: new Map(), installed: new Map() };
  for (const { sha256 } of [...offered.values(), ...installed.values()]) if (sha256) delete state.bad[sha256];
  if (state.pinned[name] !== undefined && state.pinned[name] !== plan.version) {
    system.options.reporter.notice(name, `it is not held at ${state.pinned[name]} any more`);
    delete state.pinned[name];
  }
  const { everywhere, here } = holdsAfterChoice(plan.version, resolution.versions, {
    everywhere: state.held[name] ?? [],
    here: state.heldFor[identity]?.[name] ?? [],
  });
  if (everywhere.length > 0) state.held[name] = [...everywhere];
  else delete state.held[name];
  delete state.heldFor[identity]?.[name];
  if (here.length > 0) state.heldFor[identity] = { ...state.heldFor[identity], [name]: [...here] };
  const held = [...everywhere, ...here];
  if (held.length > 0) {
    const text = `${held.join(', ')} ${held.length > 1 ? 'are' : 'is'} held until something newer appears`;
    system.options.reporter.notice(name, `${text}; "extupdate unhold ${name}" releases`);
  }
}

/**
 * Writes what is active now into the record of the OS; what waits for the next boot is planned there.
 * @param judged the works whose visible version this run has changed, or has judged
 * @param keepsWaiting whether what waits already goes on waiting
 * @throws StorageError
 */
export async function recordRun(
  system: System,
  state: State,
  place: string,
  works: readonly Work[],
  judged: ReadonlySet<Work>,
  { keepsWaiting }: { readonly keepsWaiting: boolean },
): Promise<void> {
  const before = recordOf(readRecords(system.options.root, true), system.os);
  const entries = new Map<string, RecordedComponent | undefined>();
  for (const work of works.filter(({ survey }) => !survey.unreadable)) {
    const { name } = work.survey.component;
    const outcome = {
      before: before?.components[name],
      active: await activeEntry(system, state, place, work),
      waiting: waitsForBoot(work) ? plannedEntry(state, work, system.bootId) : undefined,
      bootId: system.bootId,
      isMerged: mergesHere(system),
      isJudged: judged.has(work),
      isOnTrial: isOnTrial(state, work.survey),
      failed: work.error && (work.plan?.version ?? ''),
      keepsWaiting,
    };
    entries.set(name, entryAfter(outcome));
  }
  // What is turned off is wanted no more when this OS is booted again.
  for (const { name } of turnedOffComponents(system)) entries.set(name, undefined);
  await adoptRecord(system, changeRecord(system.os, before, entries));
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

/** The entry for a version that is installed and not visible yet. */
export function plannedEntry(state: State, { plan }: Pick<Work, 'plan'>, bootId: string): RecordedVersion | undefined {
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
): Promise<RecordedVersion | undefined> {
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
  const here = [];
  for (const transfer of component.transfers) {
    here.push({ transfer, installed: await listInstalled(place, transfer, state, { readImages: false }) });
  }
  const isWanted = wantedIn(system, state, component.name);
  const names = activeNames(place, here, system.host.release.architecture, isWanted);
  const files = [];
  for (const { transfer, installed } of here) {
    const instance = installed.find((one) => one.name === names.get(transfer.id));
    if (!instance) return undefined;
    files.push({ version: instance.version, file: instance.path, sha256: instance.sha256 ?? null });
  }
  return files;
}

function entryOf(
  version: string,
  [first, ...others]: readonly { readonly file: string; readonly sha256: string | null }[],
  planned?: string,
): RecordedVersion | undefined {
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
    system.options.reporter.warning('', `the history is not written: ${reportOf(error).message}`);
  }
}
