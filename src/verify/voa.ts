/**
 * Reads verifiers out of `{/etc,/run,/usr/local/share,/usr/share}/voa/OS/PURPOSE/CONTEXT/openpgp/*.openpgp` (UAPI.11).
 * What breaks its rules is left out with a warning; a verifier that cannot be read stops the run, because it may say that
 * a key was revoked.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import { entriesOf, readBoundedFile } from '../os/bounded-file.ts';
import { resolveInRoot } from '../os/root.ts';
import type { ReleaseFields } from '../types.ts';
import { isOfOs, type LoadPath, loadPaths, roles, technology, verifierFingerprint } from './voa-names.ts';

/** Largest verifier, in bytes; distributions' certificates have up to 100 KB. */
const VERIFIER_SIZE_MAX = 1024 * 1024;
/** Most entries of a directory that are looked at. */
const ENTRIES_MAX = 1024;
/** Links that are followed before a loop is assumed (Linux: 40). */
const LINKS_MAX = 40;

export interface Verifier {
  /** Where it was found, as seen inside the root. */
  readonly path: string;
  /** What its name promises. */
  readonly fingerprint: string;
  readonly bytes: Buffer;
  /** Verifiers of one domain are vouched for by the trust anchors of the same one. */
  readonly domain: string;
  /** Whether it vouches for others in place of signing itself. */
  readonly anchor: boolean;
}

export interface VoaLookup {
  readonly verifiers: readonly Verifier[];
  /** Fingerprints that nobody may use, wherever they stand. */
  readonly masked: ReadonlySet<string>;
  /** Domains in which verifiers need trust anchors. */
  readonly anchored: ReadonlySet<string>;
}

/**
 * Looks verifiers up for one context.
 * @param root '' or the directory of `--root=`; links are resolved inside it
 * @param fields of the os-release of the host
 * @param warn told what breaks a rule, and is left out
 * @throws ConfigError for a verifier that cannot be read
 */
export function readVoa(root: string, fields: ReleaseFields, context: string, warn: (text: string) => void): VoaLookup {
  const verifiers: Verifier[] = [];
  const masked = new Set<string>();
  const anchored = new Set<string>();
  for (const [index, loadPath] of loadPaths.entries()) {
    const walk: Walk = { root, index, warn };
    for (const os of namesIn(root, loadPath.path).filter((name) => isOfOs(name, fields))) {
      for (const role of roles) {
        for (const anchor of [false, true]) {
          const purpose = anchor ? `trust-anchor-${role}` : role;
          const directory = enter(walk, [os, purpose, context, technology]);
          if (!directory) continue;
          const domain = `${role}/${context}`;
          if (anchor) anchored.add(domain);
          for (const found of verifiersIn(walk, directory)) {
            if (found.bytes === undefined) masked.add(found.fingerprint);
            else verifiers.push({ ...found, bytes: found.bytes, domain, anchor });
          }
        }
      }
    }
  }
  return { verifiers, masked, anchored };
}

interface Walk {
  readonly root: string;
  /** Which of the load paths is read. */
  readonly index: number;
  readonly warn: (text: string) => void;
}

/** A directory: as it was named, and where it is, both as seen inside the root. */
interface Entered {
  readonly shown: string;
  readonly path: string;
}

/** Goes down a load path, through links as far as they are allowed. */
function enter(walk: Walk, parts: readonly string[]): Entered | undefined {
  let at: Entered = { shown: pathOf(walk).path, path: pathOf(walk).path };
  for (const part of parts) {
    const found = follow(walk, join(at.path, part), join(at.shown, part), 'directory');
    if (found === undefined || found === 'masked') return undefined;
    at = { shown: join(at.shown, part), path: found };
  }
  return at;
}

function* verifiersIn(
  walk: Walk,
  { shown, path }: Entered,
): Generator<{ readonly path: string; readonly fingerprint: string; readonly bytes?: Buffer }> {
  for (const name of namesIn(walk.root, path)) {
    if (!name.endsWith('.openpgp')) continue;
    const fingerprint = verifierFingerprint(name);
    const here = join(shown, name);
    if (fingerprint === undefined) {
      walk.warn(`${here}: not named after a fingerprint in lower-case hex, ignoring`);
      continue;
    }
    const found = follow(walk, join(path, name), here, 'file');
    if (found === 'masked') yield { path: here, fingerprint };
    else if (found !== undefined) yield { path: here, fingerprint, bytes: read(walk, found, here) };
  }
}

/**
 * Follows the links of an entry.
 * @returns where it is, as seen inside the root; undefined when there is none, or when it breaks a rule
 */
function follow(walk: Walk, path: string, shown: string, kind: 'file' | 'directory'): string | 'masked' | undefined {
  const ignore = (why: string): undefined => {
    walk.warn(`${shown}: ${why}, ignoring`);
  };
  let here = path;
  let reached = walk.index;
  for (let links = 0; links <= LINKS_MAX; links++) {
    const place = placeOf(walk.root, here);
    const info = lstatSync(place, { throwIfNoEntry: false });
    if (!info) return links === 0 ? undefined : ignore('a link to nothing');
    if (!info.isSymbolicLink()) {
      const isRight = kind === 'file' ? info.isFile() : info.isDirectory();
      return isRight ? here : ignore(`expected a ${kind}`);
    }
    const target = resolve(dirname(here), readlinkSync(place));
    const loadPath = loadPaths[reached] as LoadPath;
    if (target === '/dev/null') {
      if (kind === 'directory') return ignore('only single verifiers can be masked');
      return loadPath.masks ? 'masked' : ignore('verifiers can be masked in /etc/voa and /run/voa only');
    }
    if (!loadPath.links) return ignore(`no links are followed in ${loadPath.path}`);
    if (kind === 'file' && basename(target) !== basename(here)) return ignore('a link to another name');
    here = join(insideOf(walk.root, resolveInRoot(walk.root, dirname(target))), basename(target));
    const next = loadPaths.findIndex((one, index) => index >= reached && isBelow(walk.root, here, one));
    if (next < 0)
      return ignore(
        `a link that leads out of ${loadPaths
          .slice(reached)
          .map((one) => one.path)
          .join(', ')}`,
      );
    reached = next;
  }
  return ignore('too many links');
}

/** The place of an entry itself, outside of the root. */
function placeOf(root: string, path: string): string {
  return resolveInRoot(root, path, false);
}

/** Whether a path, whose directory has no links any more, is below a load path. */
function isBelow(root: string, path: string, loadPath: LoadPath): boolean {
  return path.startsWith(`${insideOf(root, resolveInRoot(root, loadPath.path))}/`);
}

/** A place outside of the root, as seen inside it. */
function insideOf(root: string, place: string): string {
  return place.slice(root.length) || '/';
}

function namesIn(root: string, path: string): string[] {
  try {
    return (entriesOf(root, path) ?? []).slice(0, ENTRIES_MAX).map(({ name }) => name);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function read({ root }: Walk, path: string, shown: string): Buffer {
  try {
    const bytes = readBoundedFile(root, path, VERIFIER_SIZE_MAX);
    if (bytes) return bytes;
    throw new Error('it has just gone');
  } catch (error) {
    throw unreadable(shown, error);
  }
}

function unreadable(path: string, error: unknown): ConfigError {
  const message = (error as Error).message.replace(`${path}: `, '');
  return new ConfigError(`${path}: the verifier cannot be read: ${message}`, {
    cause: error,
    next: 'it may say that a key was revoked: mend it, or remove it',
  });
}

function pathOf({ index }: Walk): LoadPath {
  return loadPaths[index] as LoadPath;
}
