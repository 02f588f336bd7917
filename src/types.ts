/** The nouns that all stages share: what should be kept current, what is offered, what is here. */
import type { Pattern, PatternFields } from './version/pattern.ts';

/** What an image is for; decides the release file in it, the search directories and the tool that merges it. */
export type Kind = 'sysext' | 'confext' | 'portable' | 'none';

export const kinds = ['sysext', 'confext', 'portable', 'none'] as const satisfies readonly Kind[];

export const sourceTypes = ['url-file', 'url-tar', 'tar', 'regular-file', 'directory', 'subvolume'] as const;
export type SourceType = (typeof sourceTypes)[number];

export const targetTypes = ['partition', 'regular-file', 'directory', 'subvolume'] as const;
export type TargetType = (typeof targetTypes)[number];

export interface TransferSource {
  readonly type: SourceType;
  /** A URL without a trailing slash for `url-*`, else an absolute path. */
  readonly path: string;
  /** Whether the path is below the directory of `--transfer-source=` (`PathRelativeTo=explicit`). */
  readonly explicit: boolean;
  readonly patterns: readonly Pattern[];
}

export interface TransferTarget {
  readonly type: TargetType;
  /** Absolute path of the directory, without a trailing slash; never prefixed with `--root`. */
  readonly path: string;
  /** Never empty; the first names new files. */
  readonly patterns: readonly Pattern[];
  /** Absolute path of the symlink that names the current version. */
  readonly currentSymlink?: string;
  /** How many versions stay, at least 2. */
  readonly instancesMax: number;
  readonly mode?: number;
  readonly readOnly?: boolean;
  /** For names with `@l` and `@d`. */
  readonly triesLeft?: number;
  readonly triesDone?: number;
}

/** One `.transfer` file: where the versions of one image come from and where they go. */
export interface Transfer {
  /** File name without suffix. */
  readonly id: string;
  readonly file: string;
  readonly kind: Kind;
  readonly minVersion?: string;
  readonly protectVersions: readonly string[];
  /** Whether the manifest has to carry a good signature. */
  readonly verify: boolean;
  /** URLs for people, with `@v` for the version. */
  readonly changeLog: readonly string[];
  /** URLs of AppStream catalogs. */
  readonly appStream: readonly string[];
  readonly source: TransferSource;
  readonly target: TransferTarget;
  /** Target patterns of all other transfers with the same target directory. */
  readonly rivals: readonly Pattern[];
}

/** Settings of `[X-Extupdate]`, of all transfers of a component together. */
export interface ExtensionSettings {
  readonly kind?: Kind;
  readonly required: boolean;
  readonly activate: 'now' | 'reboot' | 'manual';
  readonly maxVersion?: string;
  /** Globs (`*`, `?`, `[...]`) of versions that are never chosen. */
  readonly skipVersions: readonly string[];
  /** Names of sidecar manifests, with `@f` for the image's file name without `.raw` and compression suffix. */
  readonly manifest: readonly string[];
  readonly signedBy: readonly string[];
  /** A file, as seen inside the root, with the only keys that may sign. */
  readonly keyring?: string;
  readonly threshold: number;
  /** Whether signatures by keys that have expired since count; undefined = as `extupdate.conf` has it. */
  readonly allowExpiredKey?: boolean;
  /** Age over which a list's signature is refused, in seconds; undefined = as `extupdate.conf` has it. */
  readonly maxManifestAgeSec?: number;
  readonly onWithdrawn: 'keep' | 'previous' | 'remove';
  readonly healthCheck?: string;
  readonly healthTimeoutSec: number;
  readonly reloadUnits: readonly string[];
  /** What is done about services that have an image of the component mounted as `ExtensionImages=`. */
  readonly extensionServices: 'reload' | 'reload-or-restart' | 'ignore';
}

/** A set of transfers that is kept at one version. */
export interface Component {
  readonly name: string;
  /** Where it was defined: extupdate's own `transfer.d`, or a `sysupdate.NAME.d`. */
  readonly origin: 'extupdate' | 'sysupdate';
  /** Those that are on; none when its features turn all of them off. */
  readonly transfers: readonly Transfer[];
  /** Those that its features turn off: what they have installed is theirs until it is removed. */
  readonly disabledTransfers: readonly Transfer[];
  readonly settings: ExtensionSettings;
}

/** What an instance is made of as it comes: a file, an archive of a directory tree, or the tree itself. */
export type PayloadForm = 'file' | 'archive' | 'tree';

/** One version of one image, as a source offers it. */
export interface OfferedInstance {
  readonly transferId: string;
  readonly version: string;
  /** Name in the source, with the directories that its pattern goes through. */
  readonly name: string;
  /** Where its source finds it: a URL, or an absolute path outside the root. */
  readonly location: string;
  /**
   * What tells contents apart, 64 lower-case hex digits: the SHA-256 of the published bytes; of a local source, which
   * nobody has hashed, that of what identifies the file.
   */
  readonly sha256: string;
  /** What its name tells besides the version. */
  readonly fields: PatternFields;
  /** Sidecar files of the same manifest that describe this image, in the order in which they are asked. */
  readonly sidecars: readonly { readonly name: string; readonly url: string; readonly sha256: string }[];
  /** Whether it was installed here with another content; this one is only taken when a person says so. */
  readonly republished?: boolean;
}

/** One version of one image on this host. */
export interface InstalledInstance {
  readonly transferId: string;
  readonly version: string;
  /** Name in the target directory, with the directories that its pattern goes through. */
  readonly name: string;
  /** Path as seen inside the root, the same whether it is parked or not. */
  readonly path: string;
  /** In `.parked/`, where systemd does not look. */
  readonly parked: boolean;
  readonly sizeBytes: number;
  /** What tells contents apart (see {@link OfferedInstance}), when it is known what it was made from. */
  readonly sha256?: string;
  /** What was read out of it; undefined where nobody looked. */
  readonly facts?: ImageFacts;
  /** What its name tells, and its mode and modification time; undefined where nobody looked. */
  readonly fields?: PatternFields;
}

/** The fields of an os-release or extension-release file. */
export type ReleaseFields = Readonly<Record<string, string>>;

/** One `extension-release.SUFFIX` file of an image. */
export interface ReleaseFile {
  readonly suffix: string;
  readonly fields: ReleaseFields;
  /** Value of the xattr `user.extension-release.strict`; undefined when it is not set. */
  readonly strict?: boolean;
}

/** What has been read out of an image, or of the sidecar that describes it. */
export interface ImageFacts {
  /** `sidecar` facts rule out and rank; they never prove. */
  readonly origin: 'image' | 'remote' | 'sidecar';
  readonly sysext: readonly ReleaseFile[];
  readonly confext: readonly ReleaseFile[];
  /** systemd refuses a sysext that carries one. */
  readonly hasOsRelease: boolean;
  /** Why the image cannot be used whatever the host is: not an image, a compressor that nothing here reads. */
  readonly defect?: string;
}

/** What the compatibility of an image is judged against: the running OS, or another one's os-release. */
export interface HostRelease {
  readonly fields: ReleaseFields;
  /** In systemd names: x86-64, arm64. */
  readonly architecture: string;
  /** Whether the tree is an initrd; decides the wanted scope. */
  readonly initrd: boolean;
}
