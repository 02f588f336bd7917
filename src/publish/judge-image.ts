/**
 * Whether there is a host that could load an image: judged by the rules that clients go by, for the host that the image
 * says it is made for, under the names that a client can give it. Pure.
 */
import { judgeImage, releaseFieldsOf } from '../resolve/compatibility.ts';
import type { HostRelease, ImageFacts, ReleaseFields } from '../types.ts';
import { architectureProblem, hasVersion, versionProblem } from './version-in-name.ts';

/** As what systemd can merge an image; one may be both. */
export type ExtensionKind = 'sysext' | 'confext';

/** What the image tells, for each kind that it can be loaded as. */
export type Releases = Readonly<Partial<Record<ExtensionKind, ReleaseFields>>>;

/** What an image or an archive is to those who would load it. */
export type ImageVerdict =
  | { readonly verdict: 'extension'; readonly releases: Releases; readonly notices: readonly string[] }
  | { readonly verdict: 'unsuitable'; readonly reason: string }
  /** A whole OS, a portable service, or an archive of something else. */
  | { readonly verdict: 'other'; readonly reason: string };

const KINDS: readonly ExtensionKind[] = ['sysext', 'confext'];
const PREFIX = { sysext: 'SYSEXT', confext: 'CONFEXT' } as const;

/**
 * Judges what was read out of an image, or a tree.
 * @param imageName its file name without `.raw` and the like
 * @param form an archive may be of anything, an image has to be an extension or an OS
 */
export function judgePublished(facts: ImageFacts, imageName: string, form: 'image' | 'archive'): ImageVerdict {
  if (facts.defect !== undefined) return unsuitable(facts.defect);
  const present = KINDS.filter((kind) => facts[kind].length > 0);
  if (present.length === 0) {
    if (facts.hasOsRelease) return { verdict: 'other', reason: 'an OS or a portable service, and no extension' };
    if (form === 'archive') return { verdict: 'other', reason: 'no extension' };
    return unsuitable('it has no extension-release file in usr/lib/extension-release.d or etc/extension-release.d');
  }
  const judged = present.map((kind) => ({ kind, ...judgeAs(kind, facts, imageName) }));
  const good = judged.filter((one) => 'fields' in one);
  const [bad] = judged.filter((one) => 'reason' in one);
  if (good.length === 0 && bad) return unsuitable(bad.reason);
  const releases = Object.fromEntries(good.map(({ kind, fields }) => [kind, fields]));
  const other = bad ? [`not as a ${bad.kind}: ${bad.reason}`] : [];
  return { verdict: 'extension', releases, notices: [...good.flatMap(({ notices }) => notices), ...other] };
}

type Judged = { readonly fields: ReleaseFields; readonly notices: readonly string[] } | { readonly reason: string };

function judgeAs(kind: ExtensionKind, facts: ImageFacts, imageName: string): Judged {
  // A client may give it any name: by a link, or by the name of a `.v` directory. One that goes with the file's is meant.
  const short = facts[kind].map(({ suffix }) => suffix).find((suffix) => isBeginning(suffix, imageName));
  const names = [imageName, ...(short === undefined ? [] : [short])];
  const name = names.find((candidate) => releaseFieldsOf(facts, { kind, imageName: candidate }) !== undefined);
  const fields = name === undefined ? undefined : releaseFieldsOf(facts, { kind, imageName: name });
  if (name === undefined || fields === undefined) {
    const suffixes = facts[kind].map(({ suffix }) => suffix).join(', ');
    const reason = `its release file is named ${suffixes}: expected ${imageName}, or what stands before the version in it`;
    return { reason };
  }
  const architecture = fields.ARCHITECTURE ?? '';
  const verdict = judgeImage(facts, { kind, imageName: name }, hostFor(fields, kind));
  const reason =
    (verdict.fits || isForPortables(verdict.code, fields, kind) ? undefined : verdict.text) ??
    (fields.ID === undefined || fields.ID === '' ? 'its release file has no ID=' : undefined) ??
    architectureProblem(architecture, imageName, short) ??
    versionProblem(imageName, short);
  if (reason !== undefined) return { reason };
  return { fields, notices: noticesOn(fields, kind, hasVersion(imageName, short)) };
}

/** `docker` of `docker-28.0.4-x86-64`. */
function isBeginning(short: string, imageName: string): boolean {
  return short !== '' && imageName.startsWith(short) && /^[-_.+]./.test(imageName.slice(short.length));
}

/** The host that an image is made for, by what it says itself. */
function hostFor(fields: ReleaseFields, kind: ExtensionKind): HostRelease {
  const level = `${PREFIX[kind]}_LEVEL`;
  const scope = scopeOf(fields, kind);
  const pick = (name: string) => (fields[name] === undefined ? {} : { [name]: fields[name] });
  return {
    fields: { ID: 'any', ...pick('ID'), ...pick('VERSION_ID'), ...pick(level) },
    architecture: fields.ARCHITECTURE ?? '',
    initrd: !scope.includes('system') && scope.includes('initrd'),
  };
}

function isForPortables(code: string, fields: ReleaseFields, kind: ExtensionKind): boolean {
  return code === 'scope' && scopeOf(fields, kind).includes('portable');
}

function scopeOf(fields: ReleaseFields, kind: ExtensionKind): string[] {
  return (fields[`${PREFIX[kind]}_SCOPE`] ?? 'system portable').split(/\s+/);
}

function noticesOn(fields: ReleaseFields, kind: ExtensionKind, isVersioned: boolean): string[] {
  const level = `${PREFIX[kind]}_LEVEL`;
  const isBound = fields.ID === '_any' || Boolean(fields.VERSION_ID) || Boolean(fields[level]);
  return [
    ...(isBound ? [] : [`it names no VERSION_ID= and no ${level}=: only an OS that has neither takes it`]),
    ...(isVersioned ? [] : ['its name has no version, so no client takes it for an update']),
  ];
}

function unsuitable(reason: string): ImageVerdict {
  return { verdict: 'unsuitable', reason };
}
