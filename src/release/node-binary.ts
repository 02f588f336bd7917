/**
 * The Node that an image brings along: the binary of a pinned npm package, stripped, with the C++ libraries of this
 * machine beside it, which a small OS may not have. Both steps are done once, and kept in `.cache/release`.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CACHE, makeOnce } from './kept.ts';
import pinned from './node.json' with { type: 'json' };

export type Architecture = keyof typeof pinned.packages;

export const architectures = Object.keys(pinned.packages) as Architecture[];

/** Where the libraries are below the directory of the Node, and what it looks for them by. */
const LIBRARIES = ['libstdc++.so.6', 'libgcc_s.so.1'];
const RUN_PATH = '$ORIGIN/../lib';

/** What tells the programs and libraries of one architecture from those of others. */
const machines = {
  'x86-64': { node: 'x64', elf: 0x3e, tuple: 'x86_64-linux-gnu' },
  arm64: { node: 'arm64', elf: 0xb7, tuple: 'aarch64-linux-gnu' },
} as const satisfies Record<Architecture, object>;

export interface PreparedNode {
  /** Has `bin/node`, `lib/` and `LICENSE`. */
  readonly directory: string;
  readonly version: string;
  /** What it was made of; the same for the same content. */
  readonly digest: string;
  /** The newest version of glibc that it asks for. */
  readonly glibc: string;
  /** Whether it runs on this machine. */
  readonly runsHere: boolean;
}

/**
 * Fetches and prepares the Node for an architecture.
 * @param libraries directory with the C++ libraries for it, in place of those of this machine
 * @throws Error for a package that is not the pinned one, and a tool or library that is missing
 */
export function prepareNode(architecture: Architecture, libraries?: string): PreparedNode {
  const { node, tuple } = machines[architecture];
  const { integrity } = pinned.packages[architecture];
  const runsHere = process.arch === node;
  const strip = runsHere ? 'strip' : `${tuple}-strip`;
  const found = LIBRARIES.map((name) => findLibrary(name, architecture, libraries));
  const tools = [strip, 'patchelf'].map(versionOf);
  const inputs = [integrity, RUN_PATH, ...tools, ...found.map((path) => hashOf(readFileSync(path)))];
  const digest = hashOf(inputs.join('\n')).slice(0, 16);
  const directory = makeOnce(`node-${pinned.version}-${architecture}-${digest}`, (place) =>
    prepare(architecture, place, strip, found),
  );
  const files = [join(directory, 'bin/node'), ...found.map((path) => join(directory, 'lib', basename(path)))];
  return { directory, version: pinned.version, digest, glibc: newestGlibc(files), runsHere };
}

function prepare(architecture: Architecture, place: string, strip: string, libraries: readonly string[]): void {
  const archive = fetchPackage(architecture);
  for (const name of ['bin', 'lib']) mkdirSync(join(place, name));
  const wanted = ['package/bin/node', 'package/LICENSE'];
  execFileSync('tar', ['-xzf', archive, '-C', place, '--strip-components=1', '--no-same-owner', ...wanted]);
  const binary = join(place, 'bin/node');
  // In this order: strip destroys what patchelf has moved.
  execFileSync(strip, [binary]);
  execFileSync('patchelf', ['--set-rpath', RUN_PATH, binary]);
  for (const path of libraries) copyFileSync(path, join(place, 'lib', basename(path)));
}

/** Packs of npm are fetched, not installed: nothing in them runs. @returns the path of the archive */
function fetchPackage(architecture: Architecture): string {
  const { name, integrity } = pinned.packages[architecture];
  const archive = join(CACHE, `${name}-${pinned.version}.tgz`);
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(archive)) {
    const words = ['pack', '--silent', '--ignore-scripts', `--pack-destination=${CACHE}`, `${name}@${pinned.version}`];
    execFileSync('npm', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity) {
    rmSync(archive);
    throw new Error(`${name}@${pinned.version}: expected ${integrity}, got ${found}`);
  }
  return archive;
}

function findLibrary(name: string, architecture: Architecture, libraries: string | undefined): string {
  const { elf, tuple } = machines[architecture];
  const places = [`/usr/lib/${tuple}`, `/usr/${tuple}/lib`, '/usr/lib64', '/usr/lib', `/lib/${tuple}`];
  for (const place of libraries === undefined ? places : [libraries]) {
    const path = join(place, name);
    // e_machine of the ELF header.
    if (existsSync(path) && readFileSync(path).readUInt16LE(18) === elf) return path;
  }
  throw new Error(
    `${name} for ${architecture} is not in ${libraries ?? places.join(', ')}; ` +
      `install it (Debian: ${architecture === 'arm64' ? 'libstdc++6-arm64-cross' : 'libstdc++6'}), or name its directory with --libraries=`,
  );
}

function versionOf(tool: string): string {
  try {
    return execFileSync(tool, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
    const name = tool === 'patchelf' ? tool : `binutils${tool === 'strip' ? '' : `-${tool.replace(/-strip$/, '')}`}`;
    throw new Error(`${tool} is missing; install it (Debian: ${name})`);
  }
}

/** Of the versions that the dynamic symbols of the files name. */
function newestGlibc(files: readonly string[]): string {
  const text = execFileSync('readelf', ['--wide', '--version-info', ...files], { encoding: 'utf8' });
  const versions = [...text.matchAll(/\bGLIBC_([0-9]+)\.([0-9]+)/g)].map(([, major, minor]) => [
    Number(major),
    Number(minor),
  ]);
  const [newest] = versions.sort(([a = 0, b = 0], [c = 0, d = 0]) => c - a || d - b);
  return newest?.join('.') ?? 'any';
}

/** SHA-256, as hexadecimal digits. */
export function hashOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
