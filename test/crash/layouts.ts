/** The forms in which an extension comes and is shown: each is one definition, and a way to see what systemd would. */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { newestFirst } from '../../src/version/compare.ts';
import { extensionImage } from '../support/images.ts';
import { type Header, tarOf } from '../support/tar-writer.ts';
import { definition } from '../support/world.ts';
import { pictureOf } from './picture.ts';

export interface Layout {
  readonly name: string;
  readonly transfer: (published: string, more: Readonly<Record<string, string>>) => string;
  /** Name and bytes of what is published as a version for an OS; undefined where it is put there in another way. */
  readonly payload: (version: string, os: string) => readonly [name: string, content: Buffer];
  /** Where a version can be once it has its name, below the root. */
  readonly places: (version: string) => readonly string[];
  /** Whether what is at a path is a version, whole. */
  readonly isWhole: (path: string, version: string, os: string) => boolean;
  /** The version that systemd would take, by the names on disk. */
  readonly shown: (root: string) => string | undefined;
  readonly signed?: boolean;
}

/** Large enough that it is written in several calls. */
const FILLING = Buffer.alloc(150_000, 'What an extension brings is longer than one write. ');

const imageOf = (version: string, os: string, kind: 'sysext' | 'confext' = 'sysext') =>
  extensionImage({
    name: 'app',
    kind,
    release: { ID: 'testos', VERSION_ID: os },
    files: { [kind === 'confext' ? 'etc/app' : 'usr/share/app']: Buffer.concat([Buffer.from(version), FILLING]) },
  });

/** The newest of the names in a directory that match, as systemd-vpick has it. */
function newestIn(root: string, directory: string, name: RegExp): string | undefined {
  const place = join(root, directory);
  const names = existsSync(place) ? readdirSync(place) : [];
  return names.flatMap((one) => name.exec(one)?.[1] ?? []).sort(newestFirst)[0];
}

/** The version that a link leads to; undefined where it leads to nothing. */
function behindLink(root: string, link: string, name: RegExp): string | undefined {
  if (!lstatSync(join(root, link), { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const target = readlinkSync(join(root, link));
  return existsSync(join(root, dirname(link), target)) ? name.exec(target)?.[1] : undefined;
}

const hasBytes = (bytes: (version: string, os: string) => Buffer) => (path: string, version: string, os: string) =>
  lstatSync(path).isFile() && readFileSync(path).equals(bytes(version, os));

/** `.v` directory, from a signed list. */
const raw: Layout = {
  name: 'raw',
  signed: true,
  transfer: (published, more) =>
    definition({
      Source: { Type: 'url-file', Path: `file://${published}`, MatchPattern: 'app_@v.raw' },
      Target: { Path: '/var/lib/extensions/app.raw.v', ...more },
    }),
  payload: (version, os) => [`app_${version}.raw`, imageOf(version, os)],
  places: (version) =>
    ['', '.parked/'].map((directory) => `var/lib/extensions/app.raw.v/${directory}app_${version}.raw`),
  isWhole: hasBytes(imageOf),
  shown: (root) => newestIn(root, 'var/lib/extensions/app.raw.v', /^app_(.+)\.raw$/),
};

/** A directory of its own, and a link in the search directory. */
const link: Layout = {
  name: 'link',
  transfer: (published, more) =>
    definition({
      Transfer: { Verify: 'no' },
      Source: { Type: 'url-file', Path: `file://${published}`, MatchPattern: 'app-@v.raw' },
      Target: { Path: '/opt/extensions/app', CurrentSymlink: '/etc/extensions/app.raw', ...more },
    }),
  payload: (version, os) => [`app-${version}.raw`, imageOf(version, os)],
  places: (version) => [`opt/extensions/app/app-${version}.raw`],
  isWhole: hasBytes(imageOf),
  shown: (root) => behindLink(root, 'etc/extensions/app.raw', /app-(.+)\.raw$/),
};

/** A plain search directory, with a link in it. */
const search: Layout = {
  name: 'search',
  transfer: (published, more) =>
    definition({
      Transfer: { Verify: 'no' },
      Source: { Type: 'url-file', Path: `file://${published}`, MatchPattern: 'app_@v.raw' },
      Target: { Path: '/var/lib/extensions', CurrentSymlink: 'app.raw', ...more },
    }),
  payload: (version, os) => [`app_${version}.raw`, imageOf(version, os)],
  places: (version) => ['', '.parked/'].map((directory) => `var/lib/extensions/${directory}app_${version}.raw`),
  isWhole: hasBytes(imageOf),
  shown: (root) => behindLink(root, 'var/lib/extensions/app.raw', /app_(.+)\.raw$/),
};

/** Configuration, packed with gzip. */
const confext: Layout = {
  name: 'confext',
  transfer: (published, more) =>
    definition({
      Transfer: { Verify: 'no' },
      Source: { Type: 'url-file', Path: `file://${published}`, MatchPattern: 'app_@v.raw.gz' },
      Target: { Path: '/var/lib/confexts/app.raw.v', MatchPattern: 'app_@v.raw', ...more },
    }),
  payload: (version, os) => [`app_${version}.raw.gz`, gzipSync(imageOf(version, os, 'confext'))],
  places: (version) => ['', '.parked/'].map((directory) => `var/lib/confexts/app.raw.v/${directory}app_${version}.raw`),
  isWhole: hasBytes((version, os) => imageOf(version, os, 'confext')),
  shown: (root) => newestIn(root, 'var/lib/confexts/app.raw.v', /^app_(.+)\.raw$/),
};

/** The files of a tree, and its release file. */
const treeFiles = (version: string, os: string): readonly (readonly [string, string])[] => [
  ['usr/lib/extension-release.d/extension-release.app', `ID=testos\nVERSION_ID=${os}\n`],
  ['usr/share/app/version', version],
  ['usr/share/app/filling', `${FILLING}`],
];

/** Whether a tree has its files, and no others. */
function hasTree(path: string, version: string, os: string): boolean {
  const files = treeFiles(version, os);
  const found = pictureOf(path).filter((line) => !line.endsWith('/'));
  return found.length === files.length && files.every(([name, text]) => readIfThere(join(path, name)) === text);
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** A tar archive that becomes a tree in a `.v` directory. */
const tree: Layout = {
  name: 'tree',
  transfer: (published, more) =>
    definition({
      Transfer: { Verify: 'no' },
      Source: { Type: 'url-tar', Path: `file://${published}`, MatchPattern: 'app_@v.tar' },
      Target: { Type: 'directory', Path: '/var/lib/extensions/app.v', MatchPattern: 'app_@v', ...more },
    }),
  payload: (version, os) => {
    const members = treeFiles(version, os).map(([name, data]): Header => ({ name, data }));
    return [`app_${version}.tar`, tarOf(...members)];
  },
  places: (version) => ['', '.parked/'].map((directory) => `var/lib/extensions/app.v/${directory}app_${version}`),
  isWhole: hasTree,
  shown: (root) => newestIn(root, 'var/lib/extensions/app.v', /^app_(.+)$/),
};

/** A tree of this machine that is copied, and shown by a link. */
const copied: Layout = {
  name: 'copied',
  transfer: (_published, more) =>
    definition({
      Source: { Type: 'directory', Path: '/', PathRelativeTo: 'explicit', MatchPattern: 'app-@v' },
      Target: {
        Type: 'directory',
        Path: '/opt/trees',
        MatchPattern: 'app-@v',
        CurrentSymlink: '/etc/extensions/app',
        ...more,
      },
    }),
  payload: (version, os) => {
    const members = treeFiles(version, os).map(([name, data]): Header => ({ name, data }));
    return [`app-${version}`, tarOf(...members)];
  },
  places: (version) => [`opt/trees/app-${version}`],
  isWhole: hasTree,
  shown: (root) => behindLink(root, 'etc/extensions/app', /app-(.+)$/),
};

export const layouts: readonly Layout[] = [raw, link, search, confext, tree, copied];

/** Puts a payload into the published directory: as it is, or, where trees are the source, unpacked. */
export function putPayload(layout: Layout, published: string, version: string, os: string): void {
  const [name, content] = layout.payload(version, os);
  const place = join(published, name);
  if (layout !== copied) {
    writeFileSync(place, content);
    return;
  }
  mkdirSync(place, { recursive: true });
  execFileSync('tar', ['-x', '-C', place], { input: content });
}
