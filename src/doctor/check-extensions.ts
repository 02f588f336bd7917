/**
 * What systemd sees in its search directories, what it makes of each image, and what is merged. systemd-sysext ignores an
 * image that does not fit without a word, and merges nothing at all for one that is broken. Pure.
 */
import { exitStatus } from '../errors.ts';
import type { Verdict } from '../resolve/compatibility.ts';
import { readImageName } from '../source/image-names.ts';
import { type Finding, findingsOf, listed } from './finding.ts';

/** An entry of a search directory that can be an extension. */
export interface VisibleImage {
  readonly kind: 'sysext' | 'confext';
  /** What systemd calls it: the file name without `.raw` and `.v`. */
  readonly name: string;
  /** The entry. */
  readonly path: string;
  /** What it leads to: a link followed, the best of a `.v` directory; undefined for nothing. */
  readonly file: string | undefined;
  readonly isTree: boolean;
  /** A directory without anything in it: an image of that name further down is not used. */
  readonly isMask: boolean;
  /** An entry of the same name in a directory that comes first. */
  readonly shadowedBy: string | undefined;
  /** Whether systemd would merge it; undefined where this user may not look into it. */
  readonly verdict: Verdict | undefined;
  /** The component that owns the file, or whose link it is. */
  readonly component: string | undefined;
}

/** An entry of a search directory of which nothing can be told. */
export interface Obstacle extends Pick<VisibleImage, 'kind' | 'path'> {
  /** A link that leads back to itself, something that this user may not look at, or else. */
  readonly reason: 'circle' | 'closed' | 'other';
  /** What the system says. */
  readonly text: string;
}

export interface ExtensionFacts {
  readonly images: readonly VisibleImage[];
  readonly obstacles: readonly Obstacle[];
  /** Names that are merged now, by kind; undefined where that is not known, or does not matter (`--root=`). */
  readonly merged: Readonly<Record<'sysext' | 'confext', ReadonlySet<string> | undefined>>;
  /** File names behind loop devices; empty where they are not known. */
  readonly loops: ReadonlySet<string>;
  /** Images in directories that systemd does not search, but looked like it. */
  readonly elsewhere: readonly string[];
}

const { ok, note, warning, problem } = findingsOf('extensions');

/** Reasons for which systemd merges nothing at all, for a file and for a directory (tried on 257 and 262). */
const BLOCKING = {
  file: new Set(['defect', 'name', 'no-release']),
  tree: new Set(['defect', 'os-release']),
} as const;

/**
 * What systemd makes of each image, and what of it is merged. An image for which it merges nothing at all is a problem, one
 * that it passes over a warning.
 */
export function checkExtensions({ images, obstacles, merged, loops, elsewhere }: ExtensionFacts): Finding[] {
  const findings = obstacles.map(obstacleFinding);
  const fitting: VisibleImage[] = [];
  const blocked = new Set<string>(obstacles.filter(({ reason }) => reason === 'circle').map(({ kind }) => kind));
  for (const image of images) {
    // What systemd has merged, it has read: some formats are read by it alone.
    const isRead = image.verdict?.fits || (image.verdict?.code === 'defect' && merged[image.kind]?.has(image.name));
    const finding = findingOf(image, isRead === true);
    if (finding) findings.push(finding);
    if (finding?.state === 'problem') blocked.add(image.kind);
    if (isRead && image.shadowedBy === undefined) fitting.push(image);
  }
  for (const kind of ['confext', 'sysext'] as const) {
    const names = merged[kind];
    if (names === undefined) continue;
    const present = fitting.filter((image) => image.kind === kind);
    findings.push(...missingFindings(kind, present, names, blocked.has(kind)));
    findings.push(...staleFindings(kind, images, names, loops));
  }
  findings.push(...twiceFindings(fitting));
  if (elsewhere.length > 0) {
    findings.push(
      note(`systemd does not look for images in ${listed(elsewhere, 3)}`, 'README.md, “How a version becomes visible”'),
    );
  }
  const count = fitting.length;
  if (count === 0 && findings.length === 0) return [note('systemd sees none')];
  const all = count === 1 ? 'one fits' : `${count} fit`;
  const names = count > 0 ? `: ${listed(fitting.map(({ name }) => name))}` : '';
  return count > 0 ? [ok(`${all} this OS${names}`), ...findings] : findings;
}

/** A link in a circle stops 262 before it has looked at anything (tried); 257 passes over it. */
function obstacleFinding({ kind, path, reason, text }: Obstacle): Finding {
  if (reason === 'closed') return note(`${path} cannot be looked into by this user`, 'run as root');
  if (reason === 'other') return warning(`${path} cannot be looked at: ${text}`, `ls -l ${path}`);
  const all = `${path} leads in a circle: systemd-${kind} of systemd 262 merges nothing at all because of it`;
  return problem(exitStatus.unsuitable, all, `rm ${path}`);
}

/** Formats that systemd may be able to read, and extupdate is not. */
const BEYOND_US =
  /cannot be read here|only squashfs and EROFS are read|looks like (an ext4|a btrfs|an XFS) file system/;

/** What is to be said of one entry by itself. */
function findingOf(image: VisibleImage, isGood: boolean): Finding | undefined {
  const { name, path, file, isMask, isTree, shadowedBy, verdict, kind, component } = image;
  if (isMask) return note(`${path} is empty: it masks ${name}`, `rmdir ${path} takes the mask away`);
  if (shadowedBy !== undefined) return note(`${path} is not used: ${shadowedBy} comes first`);
  if (file === undefined) {
    return warning(
      `${path} leads to nothing: systemd passes over it`,
      component ? `extupdate apply ${component}` : `rm ${path}`,
    );
  }
  if (verdict === undefined) return note(`${path} cannot be looked into by this user`, 'run as root');
  if (isGood || verdict.fits) return undefined;
  const why = verdict.text.replace(`${file}: `, '');
  if (verdict.code === 'defect' && BEYOND_US.test(why)) {
    return note(`${path} cannot be judged here: ${why}`, `systemd-dissect ${path}`);
  }
  const next = component === undefined ? `move ${path} away, or get one for this OS` : `extupdate why ${component}`;
  const at = file === path ? path : `${path} (${file.slice(file.lastIndexOf('/') + 1)})`;
  const stopsAll = BLOCKING[isTree ? 'tree' : 'file'].has(verdict.code);
  if (stopsAll) {
    const text = `${at}: systemd-${kind} merges nothing at all because of it: ${why}`;
    return problem(
      exitStatus.unsuitable,
      text,
      component === undefined ? `move ${path} away` : `extupdate apply ${component}, or move it away`,
    );
  }
  return warning(`${at}: systemd-${kind} passes over it: ${why}`, next);
}

/** What fits and is not merged. */
function missingFindings(
  kind: 'sysext' | 'confext',
  fitting: readonly VisibleImage[],
  merged: ReadonlySet<string>,
  isBlocked: boolean,
): Finding[] {
  const missing = fitting.filter(({ name }) => !merged.has(name));
  if (missing.length === 0) return [];
  const names = listed(missing.map(({ name }) => name));
  // One image takes all others with it: that one is told.
  if (isBlocked) return [note(`not merged because of that: ${names}`)];
  const text = `${missing.length === 1 ? 'fits and is' : 'fit and are'} not merged: ${names}`;
  return [warning(text, `systemctl reload-or-restart systemd-${kind}.service`)];
}

/** What is merged and not there any more, or was another file when it was merged. */
function staleFindings(
  kind: 'sysext' | 'confext',
  images: readonly VisibleImage[],
  merged: ReadonlySet<string>,
  loops: ReadonlySet<string>,
): Finding[] {
  const next = `systemctl reload-or-restart systemd-${kind}.service`;
  const visible = images.filter((image) => image.kind === kind && image.shadowedBy === undefined && !image.isMask);
  const gone = [...merged].filter((name) => !visible.some((image) => image.name === name && image.file !== undefined));
  const other = visible.filter(({ name, file, isTree }) => {
    const fileName = file?.slice(file.lastIndexOf('/') + 1) ?? '';
    return merged.has(name) && !isTree && loops.size > 0 && !loops.has(fileName);
  });
  return [
    ...gone.map((name) => warning(`${name} is still merged, and its image is gone`, next)),
    ...other.map(({ name }) => warning(`${name} is merged from another file than the one that is there now`, next)),
  ];
}

/** In a plain directory, two versions are two extensions, and the later name is on top. */
function twiceFindings(fitting: readonly VisibleImage[]): Finding[] {
  const groups = new Map<string, VisibleImage[]>();
  for (const image of fitting) {
    const read = readImageName(`${image.name}.raw`, []);
    if (!read) continue;
    const key = `${image.kind} ${read.extension}`;
    groups.set(key, [...(groups.get(key) ?? []), image]);
  }
  return [...groups.values()].flatMap((group) => {
    if (group.length < 2) return [];
    const [{ component } = { component: undefined }] = group;
    const text = `several versions of one thing are visible at once: ${listed(group.map(({ name }) => name))}`;
    return [
      warning(text, component === undefined ? 'keep one, and move the others away' : `extupdate apply ${component}`),
    ];
  });
}
