/** Brings what a component needs to this machine, until its newest fitting version is wholly at hand. */
import { dirname } from 'node:path';
import { commit, preparePayload } from './apply/install.ts';
import { noteWantedSpace } from './apply/make-room.ts';
import { PolicyError, TrustError, UnsuitableError } from './errors.ts';
import { compressionOf } from './image/file-compression.ts';
import { readLocalFacts } from './image/read-local-facts.ts';
import { requireSafeDirectory } from './os/own-place.ts';
import { removeTree } from './os/remove-tree.ts';
import { SpaceError } from './os/space.ts';
import type { State } from './os/state.ts';
import { republishedFailure } from './publisher-changes.ts';
import type { Resolution, VersionState } from './resolve/resolver.ts';
import { settle } from './settle.ts';
import { type Payload, payloadOf, type Source } from './source/source.ts';
import { requireVersion, resolveSurvey, type Survey } from './survey.ts';
import type { System } from './system.ts';
import type { ImageFacts, OfferedInstance, Transfer } from './types.ts';
import { isSameVersion } from './version/compare.ts';

export interface Acquired {
  readonly resolution: Resolution;
  /** Whether something was downloaded now. */
  readonly downloaded: boolean;
  /** By SHA-256: files that this process has just made and hashed, so that they may be moved in place of copied. */
  readonly ready: ReadonlyMap<string, string>;
}

/**
 * Resolves a component and acquires the chosen version. What turns out not to fit is remembered, and the next version
 * down is tried.
 * @param options.unpack whether what is packed is unpacked, so that it can be judged too
 * @throws NetworkError, TrustError, PolicyError, StorageError; UsageError for a version that does not exist
 */
export async function acquireComponent(
  system: System,
  state: State,
  survey: Survey,
  options: { readonly unpack: boolean; readonly requested?: string | undefined },
): Promise<Acquired> {
  const { requested } = options;
  const ready = new Map<string, string>();
  let downloaded = false;
  for (;;) {
    const resolution = await settle(system, state, survey, requested);
    if (requested !== undefined) requireVersion(resolution, requested);
    const { chosen } = resolution;
    if (!chosen || chosen.complete) return { resolution, downloaded, ready };
    const missing = missingOf(survey, chosen, system);
    for (const { transfer } of missing) requireSafeTarget(system, transfer);
    for (const { source, instance } of missing) {
      if (!(await bring(system, source, instance))) continue;
      downloaded = true;
      const { path, staged } = payloadOf(source, instance);
      if (staged) ready.set(instance.sha256, path);
    }
    // Only the image itself proves what a sidecar or a remote look said.
    for (const { source, transfer, instance } of missing) {
      const payload = payloadOf(source, instance);
      if (!(await isPacked(payload))) {
        await confirm(system, transfer, instance, payload.path);
        continue;
      }
      ready.delete(instance.sha256);
      const unpacked = options.unpack ? await unpack(system, transfer, instance, payload) : undefined;
      if (unpacked === undefined) continue;
      ready.set(instance.sha256, unpacked);
      await confirm(system, transfer, instance, unpacked);
    }
    const confirmed = resolveSurvey(system, state, survey, requested);
    if (confirmed.chosen?.version === chosen.version) return { resolution: confirmed, downloaded, ready };
    for (const { source, instance } of missing) await dropUnfit(system, source, instance);
  }
}

/** A payload may fit the next OS and stays for a while; unpacked it is of no use, nor is one that fits none. */
async function dropUnfit(system: System, source: Source, instance: OfferedInstance): Promise<void> {
  await removeTree(system.staging.unpacked(instance.sha256));
  const payload = source.payload(instance);
  const isBroken = system.facts.get(instance.sha256)?.defect !== undefined;
  if (payload?.staged && isBroken) await removeTree(payload.path);
}

interface Missing {
  readonly transfer: Transfer;
  readonly source: Source;
  readonly instance: OfferedInstance;
}

/** What of a version is not installed yet. */
function missingOf({ component }: Survey, { offered, installed }: VersionState, system: System): Missing[] {
  return component.transfers.flatMap((transfer) => {
    const instance = installed.has(transfer.id) ? undefined : offered.get(transfer.id);
    return instance ? [{ transfer, source: system.sources.of(transfer), instance }] : [];
  });
}

/** @throws ConfigError where others than root could exchange what is installed */
function requireSafeTarget({ options: { root } }: System, { target }: Transfer): void {
  requireSafeDirectory(root, target.path);
  if (target.currentSymlink !== undefined) requireSafeDirectory(root, dirname(target.currentSymlink));
}

async function bring(system: System, source: Source, instance: OfferedInstance): Promise<boolean> {
  try {
    return await source.acquire(instance, system.makeRoom);
  } catch (error) {
    if (error instanceof SpaceError && !system.makeRoom) await noteWantedSpace(system, error.wanted);
    throw error;
  }
}

/** Whether it has to be unpacked before it can be read. */
async function isPacked({ form, path }: Payload): Promise<boolean> {
  return form === 'archive' || (form === 'file' && (await compressionOf(path)) !== undefined);
}

/** @returns where the unpacked file or tree is; undefined when it cannot be unpacked, which is then known of it */
async function unpack(
  system: System,
  transfer: Transfer,
  instance: OfferedInstance,
  payload: Payload,
): Promise<string | undefined> {
  const to = system.staging.unpacked(instance.sha256);
  try {
    const { maxImageSize: maxBytes } = system.config;
    const prepared = await preparePayload({ payload, to, name: instance.name, maxBytes, makeRoom: system.makeRoom });
    await commit([prepared]);
  } catch (error) {
    // What cannot be unpacked will not get better: the next run must not find it and fail the same way. A run with more
    // space, or more privileges, may unpack what only this one could not.
    const isContent = [UnsuitableError, TrustError, PolicyError].some((kind) => error instanceof kind);
    if (payload.staged && isContent) await removeTree(payload.path).catch(() => {});
    // Files that are no extensions are not judged, so nothing else would say it.
    if (!(error instanceof UnsuitableError) || transfer.kind === 'none') throw error;
    const defect = `${instance.name}: ${error.message}`;
    system.facts.set(instance.sha256, { origin: 'image', sysext: [], confext: [], hasOsRelease: false, defect });
    return undefined;
  }
  return to;
}

/** Reads an image that is about to be installed. */
async function confirm(system: System, transfer: Transfer, instance: OfferedInstance, path: string): Promise<void> {
  if (transfer.kind === 'none') return;
  const facts = await readLocalFacts(path);
  if (facts) system.facts.set(instance.sha256, withPublishedName(facts, path, instance));
}

/** A defect names the published file, not the hash that it has in staging. */
function withPublishedName(facts: ImageFacts, path: string, instance: OfferedInstance): ImageFacts {
  return facts.defect === undefined ? facts : { ...facts, defect: facts.defect.replace(path, instance.name) };
}

/**
 * Why a component has nothing to offer this host, when nothing is active either.
 * @returns undefined when something is active, so that the situation is a notice and no failure
 */
export function nothingFits(
  { sources, options }: System,
  resolution: Resolution,
): UnsuitableError | TrustError | undefined {
  const [newest] = resolution.versions;
  const { transfers } = resolution.component;
  if (!newest && transfers.every((transfer) => sources.of(transfer).mayBeEmpty)) return undefined;
  if (resolution.active !== undefined || resolution.chosen) return undefined;
  // What is left of a set may not be filled up from what was published again: there is a way out, and it says so.
  const republished = republishedFailure(resolution);
  if (republished) return republished;
  const { name } = resolution.component;
  if (!newest && options.offline) {
    return new UnsuitableError(`${name}: none is installed, and nothing of it was acquired yet`, {
      next: `"extupdate apply ${name}" fetches it, too`,
    });
  }
  const why = newest
    ? `the newest is ${newest.version}: ${newest.reason.text}`
    : 'the source offers no version that MatchPattern= matches';
  return new UnsuitableError(`${name}: no version fits and none is installed; ${why}`, {
    next: `see "extupdate why ${name}"`,
  });
}

/** Why the version that was asked for by name cannot be had; undefined when it can, or none was asked for. */
export function doesNotFit(resolution: Resolution, requested: string | undefined): UnsuitableError | undefined {
  if (requested === undefined || resolution.chosen) return undefined;
  const { name } = resolution.component;
  const state = resolution.versions.find(({ version }) => isSameVersion(version, requested));
  return new UnsuitableError(`${name}: version ${requested} cannot be used: ${state?.reason.text ?? 'unknown'}`, {
    next: `see "extupdate why ${name}"`,
  });
}
