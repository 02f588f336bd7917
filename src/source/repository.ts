/**
 * A published directory: SHA256SUMS and its detached signature. Fetched once per run, verified, and only then parsed.
 */
import { createHash } from 'node:crypto';
import type { PublicKey } from 'openpgp';
import { NetworkError, TrustError, UnsignedError } from '../errors.ts';
import { fetchBody, type Validators } from '../fetch/body.ts';
import type { HttpClient } from '../fetch/http.ts';
import { displayUrl, withoutCredentials } from '../fetch/url.ts';
import type { SignaturePolicy } from '../verify/signature.ts';
import { SIGNATURE_SIZE_MAX, verifySignature } from '../verify/signature.ts';
import { noteList } from './long-lists.ts';
import { checkFreshness, MANIFEST_SIZE_MAX, type Manifest, parseManifest, signatureNames } from './manifest.ts';
import { readSavedManifest, type SavedManifest, saveManifest } from './saved-manifest.ts';
import type { Staging } from './staging.ts';

export interface RepositoryOptions {
  readonly http: HttpClient;
  readonly staging: Staging;
  readonly offline: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface VerifyOptions {
  /** Loaded when the first manifest has to be verified. */
  readonly keys: () => Promise<readonly PublicKey[]>;
  readonly policy: SignaturePolicy;
  /** Told of bad signatures beside good ones. */
  readonly notice?: (text: string) => void;
}

/** There is no list at a URL, whatever else the server may have. */
export class NoListError extends NetworkError {}

/** A list that has been fetched, verified and parsed. */
export interface ListedManifest {
  readonly manifest: Manifest;
  /** Of its bytes, lower-case hex. */
  readonly sha256: string;
  /** When the newest of its good signatures was made, in milliseconds since 1970. */
  readonly signedAt?: number | undefined;
}

/**
 * A list and its signature cannot be replaced together. Who fetches them meanwhile gets two that do not belong together,
 * and asks again, as long as others come: so often at most.
 */
const PAIRS_MAX = 5;

/** Bytes of lists that are kept in memory; one that is needed again after that is read from where it was saved. */
const KEPT_SIZE_MAX = 2 * 1024 * 1024;

export interface Repository {
  /**
   * The list of a base URL with its signature, as they are on the server (or were saved, offline): nothing is verified.
   * @throws NetworkError; TrustError when there is no signature
   */
  signedList(baseUrl: string): Promise<SavedManifest>;
  /**
   * The manifest of a base URL.
   * @param verify undefined when the definition does without a signature
   * @throws NetworkError, TrustError, PolicyError, ConfigError (keyring)
   */
  manifest(baseUrl: string, verify: VerifyOptions | undefined, now: Date): Promise<ListedManifest>;
  /** The entries of a list that was accepted in this run, by its hash; undefined when it could not be saved. */
  reread(baseUrl: string, sha256: string): Manifest['entries'] | undefined;
}

/** Makes a reader of repositories that asks each server once, however many components share it. */
export function createRepositoryReader(options: RepositoryOptions): Repository {
  const lists = new Map<string, Promise<SavedManifest>>();
  /** By key the hash of a list that this run was given, for those that were dropped from memory. */
  const given = new Map<string, string>();
  const sizes = new Map<string, number>();
  const once = (key: string, fetchLists: () => Promise<SavedManifest>) => {
    const running = lists.get(key) ?? fetchLists();
    lists.set(key, running);
    return running;
  };
  const again = (baseUrl: string, key: string): SavedManifest | undefined => {
    const hash = given.get(key);
    const saved = hash === undefined ? undefined : readSaved(baseUrl, options);
    return saved && sha256Of(saved.manifest) === hash ? { ...saved, unchanged: true } : undefined;
  };

  return {
    signedList: (baseUrl) => once(`true ${baseUrl}`, () => obtain(baseUrl, true, options)),
    async manifest(baseUrl, verify, now) {
      // Keys are read while the list is on its way; what is wrong with them is said when they are needed.
      const loading = verify?.keys();
      loading?.catch(() => {});
      const signed = verify !== undefined;
      const key = `${signed} ${baseUrl}`;
      let saved = await once(key, async () => again(baseUrl, key) ?? (await obtain(baseUrl, signed, options)));
      let signedAt: number | undefined;
      if (verify) {
        const keys = (await loading) ?? [];
        for (let again = 1; ; again++) {
          try {
            signedAt = await verifySaved(saved, keys, verify);
            break;
          } catch (error) {
            if (!(error instanceof TrustError) || options.offline || again > PAIRS_MAX) throw error;
            const refused = saved;
            // At first by all names: the one that answered before may be a stale one by now.
            const name = again === 1 ? undefined : refused.meta.signature?.name;
            saved = await once(`again ${again} ${baseUrl}`, () => fetchBoth(baseUrl, undefined, true, options, name));
            if (isSamePair(saved, refused)) throw error;
          }
        }
      }
      noteList(saved.manifest.length);
      const manifest = parseManifest(saved.manifest, displayUrl(`${baseUrl}/SHA256SUMS`));
      checkFreshness(manifest, displayUrl(`${baseUrl}/SHA256SUMS`), now);
      const sha256 = sha256Of(saved.manifest);
      if (!options.offline && !saved.unchanged) await saveManifest(options.staging.manifestDirectory(baseUrl), saved);
      given.set(key, sha256);
      sizes.delete(key);
      sizes.set(key, saved.manifest.length);
      dropOldest(lists, sizes);
      return { manifest, sha256, signedAt };
    },
    reread(baseUrl, sha256) {
      const saved = readSaved(baseUrl, options);
      if (!saved || sha256Of(saved.manifest) !== sha256) return undefined;
      return parseManifest(saved.manifest, displayUrl(`${baseUrl}/SHA256SUMS`)).entries;
    },
  };
}

/** Keeps the lists that were used last. @param sizes bytes of those that are not on their way any more, in that order */
function dropOldest(lists: Map<string, unknown>, sizes: Map<string, number>): void {
  let size = 0;
  for (const [key, bytes] of [...sizes].reverse()) {
    size += bytes;
    if (size <= KEPT_SIZE_MAX) continue;
    lists.delete(key);
    sizes.delete(key);
  }
}

/** The list that was saved for a URL, whatever the password in it is now. */
function readSaved(baseUrl: string, { staging }: RepositoryOptions): SavedManifest | undefined {
  return readSavedManifest(staging.manifestDirectory(baseUrl), withoutCredentials(baseUrl));
}

async function obtain(baseUrl: string, signed: boolean, options: RepositoryOptions): Promise<SavedManifest> {
  const previous = readSaved(baseUrl, options);
  const usable = previous && (!signed || previous.signature) ? previous : undefined;
  if (!options.offline) return fetchBoth(baseUrl, usable, signed, options);
  if (usable) return usable;
  throw new NetworkError(`${displayUrl(baseUrl)}/SHA256SUMS: not known here yet, and this run fetches nothing`, {
    next: 'run extupdate acquire once with a network',
  });
}

async function fetchBoth(
  baseUrl: string,
  previous: SavedManifest | undefined,
  signed: boolean,
  options: RepositoryOptions,
  signatureName?: string,
): Promise<SavedManifest> {
  const url = `${baseUrl}/SHA256SUMS`;
  const signing = signed ? fetchSignature(baseUrl, previous, options, signatureName) : Promise.resolve(undefined);
  // Side by side; but where the list itself is missing, that is what has to be said.
  signing.catch(() => {});
  const manifest = await fetchBody(options.http, url, {
    maxBytes: MANIFEST_SIZE_MAX,
    ...(previous ? { previous: previous.meta.manifest } : {}),
    signal: options.signal,
  });
  if (manifest === undefined) {
    throw new NoListError(`${displayUrl(url)}: the server has no such list (not found, or a web page)`, {
      next: 'look at Path= of the definition: SHA256SUMS has to be below it',
    });
  }
  const signature = await signing;
  const kept = manifest === 'unchanged';
  const meta: SavedManifest['meta'] = {
    format: 1,
    // Everybody may read what is saved.
    url: withoutCredentials(baseUrl),
    manifest: kept ? (previous?.meta.manifest ?? {}) : validatorsOf(manifest),
    ...(signature ? { signature: signature.meta } : {}),
  };
  return {
    meta,
    unchanged: kept && (!signature || signature.bytes === previous?.signature),
    manifest: kept ? (previous?.manifest ?? Buffer.alloc(0)) : manifest.bytes,
    ...(signature ? { signature: signature.bytes } : {}),
  };
}

const askPublisher = 'this is for the publisher to mend; nothing was changed here';

/** Asks for the name that answered last time first, and for the others in systemd's order. */
async function fetchSignature(
  baseUrl: string,
  previous: SavedManifest | undefined,
  options: RepositoryOptions,
  lastName = previous?.meta.signature?.name,
): Promise<{ meta: NonNullable<SavedManifest['meta']['signature']>; bytes: Buffer }> {
  const last = previous?.meta.signature;
  const names = [...new Set([...(lastName === undefined ? [] : [lastName]), ...signatureNames])];
  for (const name of names) {
    const known = last?.name === name && previous?.signature ? { previous: last } : {};
    const body = await fetchBody(options.http, `${baseUrl}/${name}`, {
      maxBytes: SIGNATURE_SIZE_MAX,
      tooLarge: (message) => new TrustError(`${message}, which no signature is`, { next: askPublisher }),
      ...known,
      signal: options.signal,
    });
    if (body === 'unchanged' && last && previous?.signature) return { meta: last, bytes: previous.signature };
    if (body !== undefined && body !== 'unchanged') return { meta: { name, ...validatorsOf(body) }, bytes: body.bytes };
  }
  throw new UnsignedError(`${displayUrl(baseUrl)}/SHA256SUMS: has no signature (${signatureNames.join(', ')})`, {
    next: 'ask the publisher to sign the list; Verify=no in the definition trusts the server alone',
  });
}

function isSamePair(one: SavedManifest, other: SavedManifest): boolean {
  const signatures = [one, other].map(({ signature }) => signature ?? Buffer.alloc(0)) as [Buffer, Buffer];
  return one.manifest.equals(other.manifest) && signatures[0].equals(signatures[1]);
}

/** @returns when the newest good signature was made, in milliseconds since 1970 */
async function verifySaved(
  saved: SavedManifest,
  keys: readonly PublicKey[],
  { policy, notice }: VerifyOptions,
): Promise<number | undefined> {
  const { url, signature } = saved.meta;
  const name = displayUrl(`${url}/${signature?.name ?? ''}`);
  const good = await verifySignature(saved.manifest, saved.signature ?? Buffer.alloc(0), keys, policy, name, notice);
  return good.length > 0 ? Math.max(...good.map(({ created }) => created.getTime())) : undefined;
}

function validatorsOf({ etag, lastModified }: Validators): Validators {
  return { etag, lastModified };
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
