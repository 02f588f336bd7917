/** From what is in a directory, and what was published before, to what is published now. Pure. */
import { createHash } from 'node:crypto';
import { type ExtupdateError, PolicyError, UnsuitableError } from '../errors.ts';
import { matchesGlob } from '../resolve/glob.ts';
import { EMPTY_SHA256, MANIFEST_SIZE_MAX, type ManifestEntries } from '../source/manifest.ts';
import { parseSidecar } from '../source/sidecar.ts';
import type { ImageFacts } from '../types.ts';
import { bestBeforeName } from './best-before.ts';
import { compareNames, isBesideVersions, nameProblem, partsOf } from './file-names.ts';
import type { ImageVerdict, Releases } from './judge-image.ts';
import { contradictionOf, type OwnSidecar, ownSidecarName, renderSidecar, sidecarNames } from './sidecars.ts';

/** A file of the directory, wholly read. */
export interface ReadFile {
  readonly name: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly size: number;
  /** Of images and archives. */
  readonly verdict?: ImageVerdict | undefined;
  /** Of files that have the name of a sidecar: what it tells, and what publish noted in it, if it is one. */
  readonly sidecar?: { readonly facts: ImageFacts; readonly own?: OwnSidecar | undefined } | undefined;
}

/** All that a publication is decided by. */
export interface PublicationRequest {
  readonly files: readonly ReadFile[];
  /** All names of the directory, also of what is no file to list: none of them is to be had for a sidecar. */
  readonly names: ReadonlySet<string>;
  /** What was listed before; undefined where there was no list. */
  readonly previous?: ManifestEntries | undefined;
  /** `YYYY-MM-DD` */
  readonly bestBefore?: string | undefined;
  /** Whether sidecars are written. */
  readonly sidecars: boolean;
  readonly acceptRepublished: boolean;
  /** Globs of names that are listed although no client could load the files. */
  readonly allowUnsuitable: readonly string[];
}

/** A line of the list, or one that it has no more. */
export interface PublishedFile {
  readonly file: string;
  readonly sha256: string;
  /** Bytes; null for one that is gone. */
  readonly size: number | null;
  readonly state: 'new' | 'unchanged' | 'changed' | 'removed';
  readonly kind: 'sysext' | 'confext' | 'sysext+confext' | 'sidecar' | 'other' | null;
  /** What is remarkable about it. */
  readonly reason: string | null;
}

/** Why nothing is published. */
export interface Problem {
  /** null where it is about all of them. */
  readonly file: string | null;
  readonly error: ExtupdateError;
}

/** What is to be written, and what is to be told. */
export interface PublicationPlan {
  /** Sorted by name, as the list is. */
  readonly published: readonly PublishedFile[];
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
  /** SHA256SUMS. */
  readonly list: string;
  /** Sidecars to write. */
  readonly sidecars: readonly { readonly name: string; readonly text: string }[];
  /** Sidecars of publish whose images are gone. */
  readonly orphans: readonly string[];
}

/** Decides what is published. @returns a plan that may only be carried out where it has no problems */
export function planPublication(request: PublicationRequest): PublicationPlan {
  const problems: Problem[] = [];
  const refuse = (file: string | null, error: ExtupdateError) => problems.push({ file, error });
  const listed = new Map<string, Omit<PublishedFile, 'state'>>();
  for (const file of request.files) {
    const inName = nameProblem(file.name);
    if (inName !== undefined) {
      refuse(file.name, new UnsuitableError(`${JSON.stringify(file.name)}: ${inName}`, { next: 'rename it' }));
    }
    listed.set(file.name, entryFor(file));
  }
  const { sidecars, orphans, contradictions } = planSidecars(request);
  for (const name of orphans) listed.delete(name);
  for (const { name, text } of sidecars) {
    const bytes = Buffer.from(text);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    listed.set(name, { file: name, sha256, size: bytes.length, kind: 'sidecar', reason: null });
  }

  const notices: string[] = [];
  for (const { name, reason } of [...unsuitableFiles(request.files), ...contradictions]) {
    const text = `${name}: ${reason}`;
    if (request.allowUnsuitable.some((glob) => matchesGlob(glob, name))) notices.push(`${text}; listed all the same`);
    else refuse(name, new UnsuitableError(text, { next: HOW_TO_ALLOW }));
  }
  const published = compare(listed, request.previous ?? new Map());
  for (const { file, state, kind } of published) {
    const isInstalled = kind !== 'sidecar' && !isBesideVersions(file);
    if (state !== 'changed' || !isInstalled) continue;
    const text = `${file}: was published before with another content`;
    if (request.acceptRepublished) notices.push(`${text}; clients that have it refuse this one`);
    else refuse(file, new PolicyError(text, { next: HOW_TO_REPUBLISH }));
  }
  const list = renderList(listed, request.bestBefore);
  if (listed.size === 0) refuse(null, new UnsuitableError('there is nothing to publish', { next: WHY_NOT_EMPTY }));
  if (Buffer.byteLength(list) > MANIFEST_SIZE_MAX) {
    refuse(
      null,
      new UnsuitableError('the list would be larger than 1 MiB, which no client reads', { next: HOW_TO_SPLIT }),
    );
  }
  const remarks = request.files.flatMap(({ name, verdict }) =>
    verdict?.verdict === 'extension' ? verdict.notices.map((notice) => `${name}: ${notice}`) : [],
  );
  return { published, problems, notices: [...remarks, ...notices], list, sidecars, orphans };
}

const HOW_TO_ALLOW = 'mend or remove it; --allow-unsuitable=GLOB lists files with such a name all the same';
const HOW_TO_REPUBLISH =
  'give it a new version: clients that have it refuse this one; --accept-republished publishes it all the same';
const WHY_NOT_EMPTY = 'clients refuse a list that offers nothing any more; look whether it is the right directory';
const HOW_TO_SPLIT = 'remove old versions, or give each extension a directory of its own';

function entryFor({ name, sha256, size, verdict, sidecar }: ReadFile): Omit<PublishedFile, 'state'> {
  const entry = { file: name, sha256, size };
  if (sidecar) return { ...entry, kind: 'sidecar', reason: null };
  if (verdict?.verdict === 'extension') {
    const kind = Object.keys(verdict.releases).sort().reverse().join('+') as 'sysext' | 'confext' | 'sysext+confext';
    return { ...entry, kind, reason: null };
  }
  const why = verdict?.reason ?? 'not an extension';
  return { ...entry, kind: 'other', reason: `${why}; listed as it is` };
}

function unsuitableFiles(files: readonly ReadFile[]): { readonly name: string; readonly reason: string }[] {
  return files.flatMap(({ name, verdict }) =>
    verdict?.verdict === 'unsuitable' ? [{ name, reason: verdict.reason }] : [],
  );
}

interface SidecarPlan extends Pick<PublicationPlan, 'sidecars' | 'orphans'> {
  readonly contradictions: readonly { readonly name: string; readonly reason: string }[];
}

/** Which sidecars are written, which of publish's own go, and which of others are wrong. */
function planSidecars({ files, names, sidecars: isWriting }: PublicationRequest): SidecarPlan {
  const byName = new Map(files.map((file) => [file.name, file]));
  const sidecars: { name: string; text: string }[] = [];
  const contradictions: { name: string; reason: string }[] = [];
  const described = new Set<string>();
  for (const [stem, [first, ...others]] of imagesByStem(files)) {
    if (!first) continue;
    const own = ownSidecarName(stem);
    const told: { readonly name: string; readonly facts: ImageFacts }[] = [];
    for (const name of sidecarNames(stem)) {
      const sidecar = byName.get(name)?.sidecar;
      if (!sidecar) continue;
      described.add(name);
      // What publish wrote for an image that has changed since is written anew.
      const isOutdated = sidecar.own && (sidecar.own.sha256 !== first.sha256 || sidecar.own.image !== first.name);
      if (!isWriting || name !== own || !isOutdated) told.push({ name, facts: sidecar.facts });
    }
    const isOthers = names.has(own) && byName.get(own)?.sidecar?.own === undefined;
    if (isWriting && told.length === 0 && !isOthers) {
      const text = renderSidecar({ image: first.name, sha256: first.sha256 }, first.releases);
      const facts = parseSidecar(text);
      sidecars.push({ name: own, text });
      if (facts) told.push({ name: own, facts });
    }
    for (const { name, facts } of told) {
      for (const image of [first, ...others]) {
        const reason = contradictionOf(facts, image.releases);
        if (reason !== undefined) contradictions.push({ name, reason: `${reason} (${image.name})` });
      }
    }
  }
  const orphans = files.flatMap(({ name, sidecar }) => (sidecar?.own && !described.has(name) ? [name] : []));
  return { sidecars, orphans, contradictions };
}

interface ExtensionImage {
  readonly name: string;
  readonly sha256: string;
  readonly releases: Releases;
}

/** The images that share their sidecars: one image, perhaps compressed in several ways. Archives have none. */
function imagesByStem(files: readonly ReadFile[]): Map<string, ExtensionImage[]> {
  const images = new Map<string, ExtensionImage[]>();
  for (const { name, sha256, verdict } of files) {
    const { form, stem } = partsOf(name);
    if (form !== 'image' || verdict?.verdict !== 'extension') continue;
    const others = images.get(stem) ?? [];
    images.set(
      stem,
      [...others, { name, sha256, releases: verdict.releases }].sort((a, b) => compareNames(a.name, b.name)),
    );
  }
  return images;
}

function compare(
  listed: ReadonlyMap<string, Omit<PublishedFile, 'state'>>,
  previous: ManifestEntries,
): PublishedFile[] {
  const now = [...listed.values()].map((entry): PublishedFile => {
    const before = previous.get(entry.file);
    const state = before === undefined ? 'new' : before === entry.sha256 ? 'unchanged' : 'changed';
    return { ...entry, state };
  });
  const removed = [...previous].flatMap(([file, sha256]): PublishedFile[] =>
    listed.has(file) ? [] : [{ file, sha256, size: null, state: 'removed', kind: null, reason: null }],
  );
  return [...now, ...removed].sort((a, b) => compareNames(a.file, b.file));
}

/** The form that `sha256sum --binary` has. */
function renderList(listed: ReadonlyMap<string, { readonly sha256: string }>, bestBefore: string | undefined): string {
  const hashes = new Map([...listed].map(([name, { sha256 }]) => [name, sha256]));
  if (bestBefore !== undefined) hashes.set(bestBeforeName(bestBefore), EMPTY_SHA256);
  return [...hashes]
    .sort(([a], [b]) => compareNames(a, b))
    .map(([name, sha256]) => `${sha256} *${name}\n`)
    .join('');
}
