/**
 * `prepare`: everything that an OS needs which is not running is acquired and installed now, so that its first boot
 * needs no network; and an OS update is refused when something required has no version that fits.
 */
import { pointLink } from './apply/expose.ts';
import { makeRoomFor } from './apply/make-room.ts';
import { screenSet } from './apply/screen-set.ts';
import { eachWork, resultOf } from './each-work.ts';
import { BlockedError } from './errors.ts';
import { withLocks } from './locks.ts';
import { readRecords, writeRecord } from './os/records.ts';
import type { Tree } from './os/root.ts';
import { readState, type State, writeState } from './os/state.ts';
import { plannedEntry, rememberRun } from './remember.ts';
import { exposureOf } from './resolve/exposure.ts';
import { recordOf } from './resolve/needed-files.ts';
import { describeOs, type KnownOs } from './resolve/os-identity.ts';
import { changeRecord, type OsRecord, type RecordedComponent } from './resolve/record.ts';
import { selectVersion } from './resolve/select.ts';
import { settle } from './settle.ts';
import { acquireAll, begin, installAll, planWork } from './stages.ts';
import { isVisible, planFor, resolveSurvey, surveyAll } from './survey.ts';
import { type System, systemFor } from './system.ts';
import type { DoneAction, UpdateResult, Work } from './work.ts';

/** An OS to prepare for. */
export interface PrepareTarget {
  readonly os: KnownOs;
  /** Its tree, outside of the root, when it can be written to: links in its own `/etc` are set there. */
  readonly tree?: string;
  /** Its `/usr/lib`, when that can be looked into: definitions that the OS brings are its own. */
  readonly vendor?: Tree;
}

/** What one OS would get. */
export interface PreparedOs {
  readonly os: KnownOs;
  readonly result: UpdateResult;
}

/**
 * Prepares for operating systems, one after the other.
 * @param options.check only answers; nothing is downloaded, nothing changed
 */
export async function prepare(
  system: System,
  targets: readonly PrepareTarget[],
  options: { readonly check: boolean },
): Promise<PreparedOs[]> {
  const prepared: PreparedOs[] = [];
  // An update that replaces another one takes its place.
  const names = targets.map(({ os }) => os.name).filter((name) => name !== system.os.name);
  for (const target of targets) {
    const view = systemFor(system, target.os, target.vendor);
    // What the running release needs is what `apply` is for; an update that stays with it is judged all the same.
    const result =
      options.check || target.os.identity === system.os.identity
        ? await check(view)
        : await withLocks(system, ['root', 'staging'], 'prepare', () => prepareOne(system, view, target, names));
    prepared.push({ os: target.os, result });
  }
  return prepared;
}

async function check(view: System): Promise<UpdateResult> {
  const state = readState(view.options.root, false);
  const record = recordOf(readRecords(view.options.root, false), view.os);
  const works = await begin(view, state, { sources: true, now: true });
  await eachWork(works, async (work) => {
    work.resolution = resolveSurvey(view, state, work.survey);
    if (isSettled(work, record)) return;
    work.resolution = await settle(view, state, work.survey);
    requireFit(view, work);
    planWork(view, work);
  });
  return resultOf(works, []);
}

async function prepareOne(
  system: System,
  bare: System,
  { os, tree }: PrepareTarget,
  names: readonly string[],
): Promise<UpdateResult> {
  const { root } = system.options;
  const state = readState(root, true);
  state.prepared = [...names];
  const done: DoneAction[] = [];
  const record = recordOf(readRecords(root, true), os);
  const all = await begin(bare, state, { sources: true, now: true });
  await system.memory.save();
  const running = await begin({ ...system, options: { ...system.options, offline: true } }, state, {
    sources: false,
    now: true,
  });
  // What is spare is what the running OS can spare.
  const view: System = { ...bare, makeRoom: makeRoomFor(system, state, running, done, [...running, ...all]) };
  for (const work of running) work.resolution = resolveSurvey(system, state, work.survey);
  for (const work of all) work.resolution = resolveSurvey(view, state, work.survey);
  const works = all.filter((work) => !isSettled(work, record));

  await acquireAll(view, state, works, new Map(), { unpack: true, demand: false });
  for (const work of works) planWork(view, work);
  await installAll(view, state, works, done);
  await screenSet(view, state, works, done);
  await writeState(root, state);

  const after = await planForFirstBoot(view, state, record, works);
  await eachWork(works, async (work) => requireFit(view, work));
  await writeRecord(root, view.os.name, after);
  if (tree !== undefined) await setLinks(view, tree, works);
  const result = resultOf(
    all,
    done.map((action) => ({ ...action, os: view.os.name })),
  );
  await rememberRun(view, 'prepare', result);
  return result;
}

/** What was active under the OS before and is still here is what it gets: a rollback finds what it left. */
function isSettled(work: Work, record: OsRecord | undefined): boolean {
  const recorded = record?.components[work.survey.component.name];
  if (!work.resolution || !recorded || recorded.planned !== undefined) return false;
  const { version, reason } = selectVersion({ resolution: work.resolution, recorded, bootId: '', isVisible: true });
  if (reason !== 'recorded' || !version) return false;
  work.resolution = { ...work.resolution, chosen: version };
  return true;
}

/** The planned record: of what is installed now, whatever failed on the way, the newest that fits. */
async function planForFirstBoot(
  view: System,
  state: State,
  before: OsRecord | undefined,
  works: readonly Work[],
): Promise<OsRecord> {
  const entries = new Map<string, RecordedComponent | undefined>();
  const components = works.map(({ survey }) => survey.component);
  const definitions = { ...view.definitions, components };
  for (const survey of await surveyAll({ ...view, definitions }, state, { sources: false })) {
    const { name } = survey.component;
    const resolution = resolveSurvey(view, state, survey);
    const pinned = state.pinned[name];
    // What was planned before and is here stays planned, whatever is held since.
    const recorded = before?.components[name];
    const input = { resolution, pinned, bootId: '', isVisible: isVisible(survey) };
    const version = selectVersion(input).version ?? selectVersion({ ...input, recorded }).version;
    const work = works.find((one) => one.survey.component.name === name);
    if (work) {
      // What is offered and does not fit is told, too.
      const { chosen: _, ...known } = work.resolution ?? resolution;
      work.resolution = version ? { ...known, chosen: version } : known;
    }
    entries.set(name, version && plannedEntry(state, { plan: planFor(view, survey, resolution, version) }, ''));
  }
  return changeRecord(view.os, before, entries);
}

/**
 * Whether the OS gets a version of the component.
 * @throws BlockedError when it is required, or was named, and there is none
 */
function requireFit(view: System, { survey, resolution }: Work): void {
  const { name, settings } = survey.component;
  if (!resolution || resolution.chosen) return;
  const os = describeOs(view.os);
  const [newest] = resolution.versions;
  const exists = newest
    ? `${resolution.versions.length} looked at, the newest is ${newest.version}: ${newest.reason.text}`
    : 'none is offered or installed';
  const isAsked = view.options.components.includes(name);
  const held = resolution.versions.find(({ reason, compatible }) => reason.code === 'held' && compatible !== false);
  const found = held ? `${held.version} would, but it is ${held.reason.text}` : exists;
  // Whether a source that could not be asked has one is not known: that is another failure.
  if (survey.failure !== undefined && !view.options.offline) return;
  if (!settings.required && !isAsked) {
    view.options.reporter.notice(name, `no version fits ${os}; ${found}`);
    return;
  }
  throw new BlockedError(`${name}: no version fits ${os} (${view.os.release.architecture}); ${found}`, {
    next: settings.required ? 'Required=yes: the OS update has to wait for one' : `see "extupdate why ${name}"`,
  });
}

/** Links of the new tree's own `/etc`: what leaked into it from the present one is put right before its first boot. */
async function setLinks(view: System, tree: string, works: readonly Work[]): Promise<void> {
  const linked = works.flatMap(({ survey, resolution }) =>
    survey.component.transfers.flatMap((transfer) => {
      const exposure = exposureOf(transfer);
      const name = resolution?.chosen?.installed.get(transfer.id)?.name;
      const isEtc = exposure.how === 'symlink' && exposure.link.startsWith('/etc/');
      return isEtc && name !== undefined ? [{ transfer, exposure, name, component: survey.component.name }] : [];
    }),
  );
  for (const { transfer, exposure, name, component } of linked) {
    try {
      await pointLink(tree, transfer, exposure, name);
    } catch (error) {
      // The boot puts it right where it cannot be written now.
      view.options.reporter.notice(component, `${tree}${exposure.link} is left as it is: ${(error as Error).message}`);
    }
  }
}
