/**
 * The keys that may sign lists, and where each of them stands: verifiers of the VOA hierarchy first, then systemd's
 * keyrings; or, in place of all, the files of `--keyring=`.
 */
import type { PublicKey } from 'openpgp';
import type { Component, ReleaseFields } from '../types.ts';
import {
  type KeyringFile,
  loadKeyring,
  loadKeyrings,
  mergeKeys,
  noKeyring,
  parseKeyrings,
  readCertificates,
} from './keyring.ts';
import { certifications } from './trust-anchors.ts';
import { readVoa, type Verifier, type VoaLookup } from './voa.ts';
import { contextOf, defaultContext } from './voa-names.ts';

export interface KnownKey {
  readonly key: PublicKey;
  /** Where it stands, as seen inside the root. */
  readonly files: readonly string[];
  /** Why it does not count, whatever the key itself says. */
  readonly barred?: { readonly code: 'key-masked' | 'key-not-certified'; readonly text: string };
}

export interface TrustedKeysOptions {
  readonly root: string;
  /** Files of `--keyring=`; when there are any, nothing else is read. */
  readonly keyrings: readonly string[];
  /** The os-release of the host. */
  readonly release: ReleaseFields;
  /** How many trust anchors have to certify a verifier where there are any. */
  readonly trustAnchors: number;
  readonly now: Date;
  /** Told what is odd about keys; each thing once. */
  readonly warn: (text: string) => void;
}

/** What decides which keys are for a component. */
export type SignedComponent = Pick<Component, 'name'> & { readonly settings: Pick<Component['settings'], 'keyring'> };

export interface TrustedKeys {
  /**
   * The keys for a component, each once, with what all files together say of it; read when they are needed first.
   * @throws ConfigError when there is none, or a file cannot be read
   */
  of(component: SignedComponent): Promise<readonly KnownKey[]>;
}

/** Those of the keys that may be used. */
export function usableKeys(keys: readonly KnownKey[]): PublicKey[] {
  return keys.flatMap(({ key, barred }) => (barred ? [] : [key]));
}

/** Makes the keys of a run; what components share is read once. */
export function openTrustedKeys(options: TrustedKeysOptions): TrustedKeys {
  const { root, keyrings, release } = options;
  const told = new Set<string>();
  const warn = (text: string) => {
    if (!told.has(text)) options.warn(text);
    told.add(text);
  };
  const own = { ...options, warn };
  const lookup = (context: string) => readVoa(root, release, context, warn);
  const shared = once(async (): Promise<Shared> => {
    if (keyrings.length > 0) return { rings: loadKeyrings(root, keyrings), voa: nothing };
    const voa = lookup(defaultContext);
    const rings = loadKeyrings(root, []);
    return { rings, voa };
  });
  const ofAll = once(async () => keysOf(await shared(), own));
  const byComponent = new Map<string, Promise<readonly KnownKey[]>>();

  async function read(component: string, keyring: string | undefined): Promise<readonly KnownKey[]> {
    const context = keyrings.length > 0 ? undefined : contextOf(component);
    const more = context === undefined ? nothing : lookup(context);
    const only = keyring === undefined || keyrings.length > 0 ? undefined : loadKeyring(root, keyring);
    const isEmpty = more.verifiers.length + more.masked.size + more.anchored.size === 0;
    if (isEmpty && !only) return required(await ofAll());
    const { rings, voa } = await shared();
    return required(await keysOf({ rings, voa: both(voa, more), ...(only ? { only } : {}) }, own));
  }

  return {
    of({ name, settings: { keyring } }) {
      const id = `${name}\0${keyring ?? ''}`;
      const known = byComponent.get(id) ?? read(name, keyring);
      byComponent.set(id, known);
      return known;
    },
  };
}

interface Shared {
  readonly rings: readonly KeyringFile[];
  readonly voa: VoaLookup;
  /** The only keys that may sign; the others are there for what they say of these. */
  readonly only?: KeyringFile;
}

const nothing: VoaLookup = { verifiers: [], masked: new Set(), anchored: new Set() };

function both(one: VoaLookup, other: VoaLookup): VoaLookup {
  return {
    verifiers: [...one.verifiers, ...other.verifiers],
    masked: new Set([...one.masked, ...other.masked]),
    anchored: new Set([...one.anchored, ...other.anchored]),
  };
}

/** All that is known: what any copy says of a key counts for all of them, those among the trust anchors included. */
interface Known {
  readonly verifiers: readonly ReadVerifier[];
  readonly inRings: ReadonlySet<string>;
  readonly byFingerprint: ReadonlyMap<string, KnownKey>;
  readonly voa: VoaLookup;
}

async function keysOf({ rings, voa, only }: Shared, options: TrustedKeysOptions): Promise<readonly KnownKey[]> {
  const verifiers = await readVerifiers(voa.verifiers, options.warn);
  const ofOnly = only && (await parseKeyrings([only]));
  const ofRings = [...(await parseKeyrings(rings)), ...(ofOnly ?? [])];
  const merged = await mergeKeys([...verifiers.map(({ key, path }) => ({ key, files: [path] })), ...ofRings]);
  const byFingerprint = new Map(merged.map((one) => [one.key.getFingerprint(), one]));
  const inRings = new Set(ofRings.map(({ key }) => key.getFingerprint()));
  const known: Known = { verifiers, inRings, byFingerprint, voa };
  const ofVoa = verifiers.filter(({ anchor }) => !anchor).map(({ fingerprint }) => fingerprint);
  const names = ofOnly ? ofOnly.map(({ key }) => key.getFingerprint()) : [...new Set([...ofVoa, ...inRings])];
  const signers = names.flatMap((fingerprint) => byFingerprint.get(fingerprint) ?? []);
  return Promise.all(
    signers.map(async (signer) => {
      const barred = await barOf(signer, known, options);
      return barred ? { ...signer, barred } : signer;
    }),
  );
}

async function barOf(
  { key }: KnownKey,
  { verifiers, inRings, byFingerprint, voa }: Known,
  { trustAnchors, now }: TrustedKeysOptions,
): Promise<KnownKey['barred']> {
  const fingerprint = key.getFingerprint();
  if (voa.masked.has(fingerprint)) return { code: 'key-masked', text: 'masked by a link to /dev/null in voa/' };
  const own = verifiers.filter((one) => !one.anchor && one.fingerprint === fingerprint);
  // Keyrings, and domains without trust anchors, need nobody to vouch for what is in them.
  if (inRings.has(fingerprint) || own.some(({ domain }) => !voa.anchored.has(domain))) return undefined;
  const counts = own.map(({ domain }) => {
    const anchors = verifiers.filter((one) => one.anchor && one.domain === domain && !voa.masked.has(one.fingerprint));
    const names = [...new Set(anchors.map((one) => one.fingerprint))];
    return certifications(
      key,
      names.flatMap((name) => byFingerprint.get(name)?.key ?? []),
      now,
    );
  });
  const certified = Math.max(...(await Promise.all(counts)));
  if (certified >= trustAnchors) return undefined;
  const text = `certified by ${certified} of ${trustAnchors} trust anchors that TrustAnchors= asks for`;
  return { code: 'key-not-certified', text };
}

interface ReadVerifier extends Pick<Verifier, 'path' | 'fingerprint' | 'domain' | 'anchor'> {
  readonly key: PublicKey;
}

/** Verifiers that are what their names say: one certificate each. */
async function readVerifiers(verifiers: readonly Verifier[], warn: (text: string) => void): Promise<ReadVerifier[]> {
  const read: ReadVerifier[] = [];
  for (const { bytes, ...verifier } of verifiers) {
    try {
      const keys = await readCertificates(bytes);
      const [key] = keys;
      if (!key || keys.length > 1) throw new Error(`holds ${keys.length} keys, and should hold one`);
      if (key.getFingerprint() !== verifier.fingerprint) throw new Error(`holds the key ${key.getFingerprint()}`);
      read.push({ ...verifier, key });
    } catch (error) {
      warn(`${verifier.path}: ${(error as Error).message}, ignoring`);
    }
  }
  return read;
}

function required(keys: readonly KnownKey[]): readonly KnownKey[] {
  if (keys.length === 0) throw noKeyring();
  return keys;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
