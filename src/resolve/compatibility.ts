/**
 * Whether systemd would merge an image on a host: the nine checks of `extension_release_validate()` (extension-util.c),
 * in their order, after the choice of the release file by `open_extension_release()` (os-util.c).
 */
import type { HostRelease, ImageFacts, Kind, ReleaseFields, ReleaseFile } from '../types.ts';

export type Verdict =
  | { readonly fits: true }
  | { readonly fits: false; readonly code: IncompatibilityCode; readonly text: string };

export type IncompatibilityCode =
  | 'defect'
  | 'no-release'
  | 'name'
  | 'os-release'
  | 'scope'
  | 'architecture'
  | 'id'
  | 'level'
  | 'version-id';

/** What is judged, and the name under which systemd would see it. */
export interface ImageUse {
  readonly kind: Kind;
  /** The image name: file name without `.raw`, or the part before `.raw.v`. */
  readonly imageName: string;
}

const CLASS_PREFIX = { sysext: 'SYSEXT', confext: 'CONFEXT' } as const;

/** Judges what was read out of an image (or its sidecar) for a host. */
export function judgeImage(facts: ImageFacts, use: ImageUse, host: HostRelease): Verdict {
  if (use.kind === 'none') return { fits: true };
  if (facts.defect !== undefined) return refuse('defect', facts.defect);
  if (use.kind === 'portable') return { fits: true };
  if (use.kind === 'sysext' && facts.hasOsRelease) {
    return refuse('os-release', 'it carries usr/lib/os-release, which systemd forbids in a sysext');
  }
  const release = chooseRelease(facts[use.kind], use.imageName, facts.origin === 'sidecar');
  if ('fits' in release) return release;
  return judgeRelease(release.fields, use.kind, host);
}

/** What the release file says that systemd would read of an image; undefined where it would read none. */
export function releaseFieldsOf(facts: ImageFacts, use: ImageUse): ReleaseFields | undefined {
  if (use.kind !== 'sysext' && use.kind !== 'confext') return undefined;
  const release = chooseRelease(facts[use.kind], use.imageName, facts.origin === 'sidecar');
  return 'fits' in release ? undefined : release.fields;
}

/** The nine checks for one release file. */
export function judgeRelease(release: ReleaseFields, kind: 'sysext' | 'confext', host: HostRelease): Verdict {
  const prefix = CLASS_PREFIX[kind];

  const scope = release[`${prefix}_SCOPE`] ?? 'system portable';
  const wanted = host.initrd ? 'initrd' : 'system';
  if (!words(scope).includes(wanted)) {
    return refuse('scope', `${prefix}_SCOPE=${scope} does not include ${wanted}`);
  }

  const architecture = release.ARCHITECTURE ?? '';
  if (architecture !== '' && architecture !== '_any' && architecture !== host.architecture) {
    return refuse('architecture', `ARCHITECTURE=${architecture}, this machine is ${host.architecture}`);
  }

  const id = release.ID ?? '';
  if (id === '') return refuse('id', 'its release file has no ID=');
  if (id === '_any') return { fits: true };
  const hostId = host.fields.ID ?? '';
  if (id !== hostId && !words(host.fields.ID_LIKE ?? '').includes(id)) {
    return refuse('id', `ID=${id}, this OS is ${hostId}`);
  }

  const hostVersion = host.fields.VERSION_ID ?? '';
  const hostLevel = host.fields[`${prefix}_LEVEL`] ?? '';
  if (hostVersion === '' && hostLevel === '') return { fits: true };

  const level = release[`${prefix}_LEVEL`] ?? '';
  if (hostLevel !== '' && level !== '') {
    return hostLevel === level ? { fits: true } : refuse('level', `${prefix}_LEVEL=${level}, this OS has ${hostLevel}`);
  }
  if (hostVersion !== '') {
    const version = release.VERSION_ID ?? '';
    return version === hostVersion
      ? { fits: true }
      : refuse('version-id', `VERSION_ID=${version || 'unset'}, this OS is ${hostVersion}`);
  }
  return { fits: true };
}

/**
 * The release file that systemd reads for an image of that name, or why it finds none.
 * A sidecar tells the fields, not the file's name in the image: there the only file counts.
 */
function chooseRelease(files: readonly ReleaseFile[], imageName: string, nameUnknown: boolean): ReleaseFile | Verdict {
  const [only] = files;
  if (only === undefined) return refuse('no-release', 'it has no extension-release file of its kind');
  if (nameUnknown) return only;
  const exact = files.find((file) => file.suffix === imageName);
  if (exact) return exact;
  const short = /^[^_+]*/.exec(imageName)?.[0];
  const loose = files.filter((file) => file.suffix === short || file.strict === false);
  if (loose.length > 1) return refuse('name', `several release files could be meant by the name ${imageName}`);
  return (
    loose[0] ??
    refuse(
      'name',
      `its release file is named ${files.map((file) => file.suffix).join(', ')}, so it cannot load as ${imageName}`,
    )
  );
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function refuse(code: IncompatibilityCode, text: string): Verdict {
  return { fits: false, code, text };
}
