/** Downloads what a component needs, until its newest fitting version is wholly in staging. */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { installPayload } from './apply/install.ts';
import { noteWantedSpace } from './apply/make-room.ts';
import { TrustError, UnsuitableError } from './errors.ts';
import { download } from './fetch/download.ts';
import { detectCompression } from './image/compression.ts';
import { openLocalFile } from './image/local-file.ts';
import { hashFile } from './os/hash-file.ts';
import { SpaceError } from './os/space.ts';
import type { State } from './os/state.ts';
import { storageError } from './os/storage-error.ts';
import type { Resolution } from './resolve/resolver.ts';
import { requireVersion, resolveSurvey, type Survey, settle } from './survey.ts';
import type { System } from './system.ts';
import { readLocalFacts } from './target/list-installed.ts';
import type { ImageFacts, Kind, OfferedInstance } from './types.ts';

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
 * @param options.unpack whether compressed payloads are unpacked, so that they can be judged too
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
    const missing = [...chosen.offered.values()].filter(({ transferId }) => !chosen.installed.has(transferId));
    for (const instance of missing) {
      const path = system.staging.payload(instance.sha256);
      if (!(await stage(system, instance, path))) continue;
      downloaded = true;
      ready.set(instance.sha256, path);
    }
    // Only the image itself proves what a sidecar or a remote look said.
    for (const instance of missing) {
      const path = system.staging.payload(instance.sha256);
      if (!(await isCompressed(path))) {
        await confirm(system, survey, instance, path);
        continue;
      }
      ready.delete(instance.sha256);
      const unpacked = options.unpack ? await unpack(system, survey, instance) : undefined;
      if (unpacked === undefined) continue;
      ready.set(instance.sha256, unpacked);
      await confirm(system, survey, instance, unpacked);
    }
    const confirmed = resolveSurvey(system, state, survey, requested);
    if (confirmed.chosen?.version === chosen.version) return { resolution: confirmed, downloaded, ready };
    // The payload may fit the next OS and stays for a while; unpacked it is of no use.
    for (const { sha256 } of missing) await rm(system.staging.unpacked(sha256), { force: true });
  }
}

/** @returns whether it was downloaded now; false when it was in staging already */
function stage(system: System, instance: OfferedInstance, path: string): Promise<boolean> {
  // Two components may want the same bytes at the same time.
  const running = system.downloads.get(instance.sha256);
  if (running !== undefined) return running.then(() => false);
  const started = stageOnce(system, instance, path);
  system.downloads.set(instance.sha256, started);
  return started;
}

async function stageOnce(system: System, instance: OfferedInstance, path: string): Promise<boolean> {
  if (existsSync(path)) {
    if ((await hashFile(path)) === instance.sha256) return false;
    await rm(path, { force: true });
    if (system.options.offline) {
      throw new TrustError(`${instance.name}: what was acquired of it is damaged`, {
        next: 'run extupdate acquire again',
      });
    }
  }
  const { reporter, signal } = system.options;
  try {
    await mkdir(system.staging.directory, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw storageError(system.staging.directory, error);
  }
  const progress = reporter.download(instance.name);
  try {
    await download(system.http, {
      url: instance.url,
      sha256: instance.sha256,
      path,
      maxBytes: system.config.maxImageSize,
      makeRoom: system.makeRoom,
      signal,
      ...(system.rateLimiter ? { rateLimiter: system.rateLimiter } : {}),
      onProgress: ({ receivedBytes, totalBytes }) => progress.update(receivedBytes, totalBytes),
    });
  } catch (error) {
    if (error instanceof SpaceError && !system.makeRoom) await noteWantedSpace(system, error.wanted);
    throw error;
  } finally {
    progress.end();
  }
  return true;
}

/** @returns the path of the unpacked file; undefined when it cannot be unpacked, which is then known of it */
async function unpack(system: System, survey: Survey, instance: OfferedInstance): Promise<string | undefined> {
  const to = system.staging.unpacked(instance.sha256);
  const from = system.staging.payload(instance.sha256);
  try {
    await installPayload({
      from,
      sha256: instance.sha256,
      to,
      name: instance.name,
      maxBytes: system.config.maxImageSize,
      makeRoom: system.makeRoom,
    });
  } catch (error) {
    // What cannot be unpacked will not get better: the next run must not find it and fail the same way.
    await rm(from, { force: true });
    // Files that are no extensions are not judged, so nothing else would say it.
    if (!(error instanceof UnsuitableError) || kindOf(survey, instance) === 'none') throw error;
    const defect = `${instance.name}: ${error.message}`;
    system.facts.set(instance.sha256, { origin: 'image', sysext: [], confext: [], hasOsRelease: false, defect });
    return undefined;
  }
  return to;
}

/** Reads an image that is about to be installed. */
async function confirm(system: System, survey: Survey, instance: OfferedInstance, path: string): Promise<void> {
  if (kindOf(survey, instance) === 'none') return;
  const facts = await readLocalFacts(path);
  if (facts) system.facts.set(instance.sha256, withPublishedName(facts, path, instance));
}

function kindOf(survey: Survey, instance: OfferedInstance): Kind | undefined {
  return survey.component.transfers.find(({ id }) => id === instance.transferId)?.kind;
}

/** A defect names the published file, not the hash that it has in staging. */
function withPublishedName(facts: ImageFacts, path: string, instance: OfferedInstance): ImageFacts {
  return facts.defect === undefined ? facts : { ...facts, defect: facts.defect.replace(path, instance.name) };
}

async function isCompressed(path: string): Promise<boolean> {
  const file = await openLocalFile(path);
  try {
    return detectCompression(await file.read(0, Math.min(8, file.size))) !== undefined;
  } finally {
    await file.close();
  }
}

/**
 * Why a component has nothing to offer this host, when nothing is active either.
 * @returns undefined when something is active, so that the situation is a notice and no failure
 */
export function nothingFits(resolution: Resolution): UnsuitableError | undefined {
  const [newest] = resolution.versions;
  if (resolution.active !== undefined || resolution.chosen) return undefined;
  const why = newest
    ? `the newest is ${newest.version}: ${newest.reason.text}`
    : 'the source offers no version that MatchPattern= matches';
  return new UnsuitableError(`${resolution.component.name}: no version fits and none is installed; ${why}`, {
    next: `see "extupdate why ${resolution.component.name}"`,
  });
}

/** Why the version that was asked for by name cannot be had; undefined when it can, or none was asked for. */
export function doesNotFit(resolution: Resolution, requested: string | undefined): UnsuitableError | undefined {
  if (requested === undefined || resolution.chosen) return undefined;
  const { name } = resolution.component;
  const state = resolution.versions.find(({ version }) => version === requested);
  return new UnsuitableError(`${name}: version ${requested} cannot be used: ${state?.reason.text ?? 'unknown'}`, {
    next: `see "extupdate why ${name}"`,
  });
}
