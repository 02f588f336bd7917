/** `url-file` and `url-tar`: a published directory with SHA256SUMS, whose payloads are downloaded into staging. */
import { existsSync } from 'node:fs';
import type { PublicKey } from 'openpgp';
import { type Config, overrideBaseUrl } from '../definition/config.ts';
import { TrustError } from '../errors.ts';
import { download } from '../fetch/download.ts';
import type { HttpClient } from '../fetch/http.ts';
import type { RateLimiter } from '../fetch/rate-limit.ts';
import { displayUrl } from '../fetch/url.ts';
import { makeDirectories } from '../os/atomic-file.ts';
import { hashRegular } from '../os/regular-file.ts';
import { removeTree } from '../os/remove-tree.ts';
import type { MakeRoom } from '../os/space.ts';
import { storageError } from '../os/storage-error.ts';
import type { Reporter } from '../reporter.ts';
import type { Component, OfferedInstance, PayloadForm } from '../types.ts';
import { listOffered } from './list-offered.ts';
import type { Repository } from './repository.ts';
import { signaturePolicy } from './signature-policy.ts';
import type { Source } from './source.ts';
import type { SourceMemory } from './source-memory.ts';
import type { Staging } from './staging.ts';

export interface RepositorySourceOptions {
  readonly http: HttpClient;
  readonly repository: Repository;
  readonly memory: SourceMemory;
  readonly staging: Staging;
  readonly config: Config;
  /** Overrides `Verify=`. */
  readonly verify?: boolean | undefined;
  /** Those that may sign lists for a component. */
  readonly keys: (component: Pick<Component, 'name' | 'settings'>) => Promise<readonly PublicKey[]>;
  readonly now: Date;
  readonly offline: boolean;
  readonly reporter: Reporter;
  readonly rateLimiter?: RateLimiter | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes the source; sources of different forms share the lists and the downloads of a run. */
export function createRepositorySource(
  options: RepositorySourceOptions,
  downloads: Map<string, Promise<boolean>>,
): (form: PayloadForm) => Source {
  const { http, repository, staging, config, now, signal } = options;
  const stage = (instance: OfferedInstance, makeRoom: MakeRoom | undefined) => {
    // Two components may want the same bytes at the same time.
    const running = downloads.get(instance.sha256);
    if (running !== undefined) return running.then(() => false);
    const started = stageOnce(options, instance, makeRoom);
    downloads.set(instance.sha256, started);
    return started;
  };
  return (form) => ({
    mayBeEmpty: false,
    async list(transfer, component, notice) {
      const { settings } = component;
      const baseUrl = overrideBaseUrl(transfer.source.path, config);
      const policy = signaturePolicy(settings, config, now);
      const keys = () => options.keys(component);
      const verify = (options.verify ?? transfer.verify) ? { keys, policy, notice } : undefined;
      const { manifest, sha256, signedAt } = await repository.manifest(baseUrl, verify, now);
      for (const warning of manifest.warnings) notice(warning);
      const offered = listOffered(transfer, manifest, baseUrl, settings.manifest);
      const changed = options.memory.judge(
        { url: transfer.source.path, verified: verify !== undefined },
        {
          url: displayUrl(`${baseUrl}/SHA256SUMS`),
          sha256,
          signedAt,
          entries: manifest.entries,
          reread: () => repository.reread(baseUrl, sha256),
        },
        {
          patterns: transfer.source.patterns.map(({ text }) => text).join(' '),
          versions: offered.map(({ version }) => version),
        },
      );
      const others = offered.filter(({ name }) => changed.includes(name)).map(({ name }) => name);
      if (others.length > 0) notice(`published again with another content: ${firstOf(others)}`);
      return offered;
    },
    async learn(instance) {
      // What only the network needs is not loaded at boot.
      const { learnFacts } = await import('./learn.ts');
      return form === 'file' ? learnFacts(http, instance, signal) : undefined;
    },
    acquire: stage,
    payload({ sha256 }) {
      const path = staging.payload(sha256);
      return existsSync(path) ? { form, path, sha256, staged: true } : undefined;
    },
    isPartial: ({ sha256 }) => existsSync(`${staging.payload(sha256)}.partial`),
  });
}

/** @returns whether it was downloaded now; false when it was in staging already */
async function stageOnce(
  options: RepositorySourceOptions,
  instance: OfferedInstance,
  makeRoom: MakeRoom | undefined,
): Promise<boolean> {
  const { staging, offline, reporter, config, http, rateLimiter, signal } = options;
  const path = staging.payload(instance.sha256);
  if (existsSync(path)) {
    if ((await hashRegular(path, config.maxImageSize)) === instance.sha256) return false;
    await removeTree(path);
    if (offline) {
      throw new TrustError(`${instance.name}: what was acquired of it is damaged`, {
        next: 'run extupdate acquire again',
      });
    }
  }
  try {
    await makeDirectories(staging.directory, 0o755);
  } catch (error) {
    throw storageError(staging.directory, error);
  }
  const progress = reporter.download(instance.name);
  try {
    await download(http, {
      url: instance.location,
      sha256: instance.sha256,
      path,
      maxBytes: config.maxImageSize,
      makeRoom,
      signal,
      ...(rateLimiter ? { rateLimiter } : {}),
      onProgress: ({ receivedBytes, totalBytes }) => progress.update(receivedBytes, totalBytes),
    });
  } finally {
    progress.end();
  }
  return true;
}

function firstOf(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');
}
