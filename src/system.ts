/** Everything a run works with, put together once: options and host facts become collaborators. */
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Config, defaultConfig } from './definition/config.ts';
import { type Definitions, loadDefinitions } from './definition/load.ts';
import { loadConfig } from './definition/load-config.ts';
import { ConfigError, reportOf, UnknownComponentError, UsageError } from './errors.ts';
import { createAuthorization } from './fetch/credentials.ts';
import { createHttpClient } from './fetch/http.ts';
import { createRateLimiter } from './fetch/rate-limit.ts';
import { currentBootId } from './os/boot-history.ts';
import { readBootedDeployment } from './os/bootable/booted.ts';
import { type Host, hostWith, readHost } from './os/host.ts';
import type { Lock } from './os/lock.ts';
import { resolveInRoot, type Tree, treeAt } from './os/root.ts';
import type { MakeRoom } from './os/space.ts';
import type { Reporter } from './reporter.ts';
import { type KnownOs, knownOs } from './resolve/os-identity.ts';
import { type FactsStore, openFactsStore } from './source/facts-store.ts';
import { createRepositoryReader, type Repository } from './source/repository.ts';
import { openSourceMemory, type SourceMemory } from './source/source-memory.ts';
import { createSources, type Sources } from './source/sources.ts';
import { STAGING_PATH, type Staging, stagingAt } from './source/staging.ts';
import { openTrustedKeys, type TrustedKeys, usableKeys } from './verify/trusted-keys.ts';

/** What the command line says, for every command alike. */
export interface RunOptions {
  /** '' for this machine, else the directory of `--root=` without a trailing slash. */
  readonly root: string;
  readonly definitions?: string;
  /** Names of the components to look at; empty = all. */
  readonly components: readonly string[];
  /** Overrides `Verify=`. */
  readonly verify?: boolean;
  readonly offline: boolean;
  readonly keyrings: readonly string[];
  readonly arch?: string;
  /** What `PathRelativeTo=explicit` is relative to. */
  readonly transferSource?: string;
  /** Overrides `InstancesMax=`. */
  readonly instancesMax?: number;
  /** Whether systemd is told to merge; never with `--root=`. */
  readonly refresh: boolean;
  /** Components that count as turned off, whatever their switches say: they are about to be removed. */
  readonly unwanted?: readonly string[];
  /** Whether what was published again with other content is taken. */
  readonly acceptRepublished?: boolean;
  /** Whether a mistake in `extupdate.conf` is told and not obeyed: what needs no server has to go on. */
  readonly lenient?: boolean;
  /** How long to wait for another run to end, in seconds; 0 = not at all. */
  readonly waitSec: number;
  /** Hands over, once, the lock for changing the disk, where it was taken already. */
  readonly lock?: () => Lock | undefined;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal;
}

export interface System {
  readonly options: RunOptions;
  /** One time for all checks of a run, so that they agree. */
  readonly now: Date;
  readonly config: Config;
  readonly host: Host;
  /** The OS that everything is resolved for: the running one, but in a view of {@link systemFor}. */
  readonly os: KnownOs;
  /** Id of the present boot; '' where `os` is not running. */
  readonly bootId: string;
  readonly definitions: Definitions;
  readonly staging: Staging;
  /** The keys that may sign lists. */
  readonly keys: TrustedKeys;
  readonly sources: Sources;
  /** The lists of the published ones. */
  readonly repository: Repository;
  /** What was seen of the sources; saved by what installs. */
  readonly memory: SourceMemory;
  readonly facts: FactsStore;
  /** Called when space is short; undefined where this run may delete nothing. */
  readonly makeRoom?: MakeRoom;
  close(): Promise<void>;
}

/**
 * Reads configuration, host and definitions.
 * @throws ConfigError, and UsageError for a component that does not exist
 */
export function openSystem(options: RunOptions, version: string): System {
  const { root } = options;
  if (options.definitions !== undefined && !statSync(options.definitions, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--definitions=: ${options.definitions} is not a directory`);
  }
  const config = options.lenient ? configOrDefault(options) : loadConfig(root);
  const host = readHost({ root, arch: options.arch });
  const definitions = withInstancesMax(definitionsFor(options, host), options.instancesMax);
  const staging = stagingAt(resolveInRoot(root, dirname(STAGING_PATH)), resolveInRoot(root, STAGING_PATH));
  const http = createHttpClient({
    allowHttp: config.allowHttp,
    ...(config.proxy === undefined ? {} : { proxy: config.proxy }),
    authorities: () => readAuthorities(root, config.caFile),
    authorization: createAuthorization(config, process.env.CREDENTIALS_DIRECTORY),
    userAgent: `extupdate/${version}`,
    limits: config,
    notice: (text) => options.reporter.notice('', text),
  });
  const now = new Date();
  const keys = openTrustedKeys({
    root,
    keyrings: options.keyrings,
    release: host.release.fields,
    trustAnchors: config.trustAnchors,
    now,
    warn: (text) => options.reporter.warning('', text),
  });
  const repository = createRepositoryReader({ http, staging, offline: options.offline, signal: options.signal });
  const memory = openSourceMemory(root);
  const sources = createSources({
    root,
    http,
    repository,
    memory,
    staging,
    config,
    verify: options.verify,
    keys: async (component) => usableKeys(await keys.of(component)),
    now,
    offline: options.offline,
    reporter: options.reporter,
    rateLimiter: config.rateLimit === undefined ? undefined : createRateLimiter(config.rateLimit),
    signal: options.signal,
    transferSource: options.transferSource,
  });
  return {
    options,
    now,
    config,
    host,
    os: knownOs(host.release, root === '' ? readBootedDeployment() : undefined),
    bootId: currentBootId(root),
    definitions,
    staging,
    keys,
    sources,
    repository,
    memory,
    facts: openFactsStore(staging.factsFile, now),
    close: () => http.close(),
  };
}

function withInstancesMax(definitions: Definitions, instancesMax: number | undefined): Definitions {
  if (instancesMax === undefined) return definitions;
  const components = definitions.components.map((component) => ({
    ...component,
    transfers: component.transfers.map((transfer) => ({ ...transfer, target: { ...transfer.target, instancesMax } })),
  }));
  return { ...definitions, components };
}

function configOrDefault({ root, reporter }: RunOptions): Config {
  try {
    return loadConfig(root);
  } catch (error) {
    reporter.warning('', reportOf(error).message);
    return defaultConfig;
  }
}

/**
 * The same machine as it would be under another OS: definitions are expanded, and images judged, for that one. Its own
 * tree, where it is at hand, brings the definitions of its `/usr/lib`.
 * @param os with the directory inside the root where its tree is, if it is there
 * @param vendor its tree when that is elsewhere
 */
export function systemFor(
  system: System,
  os: KnownOs & { readonly osRoot?: string | undefined },
  vendor: Tree | undefined = ownTree(system, os.osRoot),
): System {
  if (os.name === system.os.name) return system;
  const { options } = system;
  const host = hostWith(os.release.fields, { root: options.root, arch: os.release.architecture });
  return { ...system, host, os, bootId: '', definitions: definitionsFor(options, host, vendor) };
}

function ownTree({ options: { root } }: System, osRoot: string | undefined): Tree | undefined {
  return osRoot === undefined ? undefined : treeAt(resolveInRoot(root, osRoot));
}

function definitionsFor(options: RunOptions, { specifiers }: Host, vendor?: Tree): Definitions {
  const { root, definitions, unwanted } = options;
  const place = { root, vendor, unwanted, ...(definitions === undefined ? {} : { definitions }) };
  const all = loadDefinitions(place, specifiers);
  // Another OS may not have all that is asked about.
  if (vendor === undefined) requireKnown(all, options.components);
  return selectComponents(all, options.components);
}

/** @throws UsageError for a name that nothing here has */
function requireKnown(definitions: Definitions, names: readonly string[]): void {
  const known = [...new Set([...definitions.known, ...definitions.broken].map(({ name }) => name))];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UnknownComponentError(unknown, known);
}

function selectComponents(definitions: Definitions, names: readonly string[]): Definitions {
  if (names.length === 0) return definitions;
  const wanted = ({ name }: { readonly name: string }) => names.includes(name);
  return {
    ...definitions,
    components: definitions.components.filter(wanted),
    broken: definitions.broken.filter(wanted),
    left: definitions.left.filter(wanted),
    disabled: definitions.disabled.filter((name) => names.includes(name)),
    warnings: definitions.warnings.filter(wanted),
  };
}

/** Bundles of the OS's trusted authorities, by distribution; Node's own list where there is none. */
const AUTHORITY_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

function readAuthorities(root: string, caFile: string | undefined): string | undefined {
  if (caFile !== undefined) {
    try {
      return readFileSync(resolveInRoot(root, caFile), 'utf8');
    } catch (error) {
      throw new ConfigError(`CAFile=: ${caFile} cannot be read: ${(error as Error).message}`, { cause: error });
    }
  }
  for (const file of AUTHORITY_FILES) {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      // The next distribution's place.
    }
  }
  return undefined;
}
