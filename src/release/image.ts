/**
 * Builds the image that extupdate is, as a system extension for any OS, with its own Node:
 *
 *   npm run image [-- --out=DIR --arch=x86-64|arm64 --version=V --source-url=URL --keyring=FILE]
 *
 * --libraries=DIR has libstdc++ and libgcc_s for another architecture, --compression=1..22 is the level of zstd,
 * --program=FILE another program than that of the build. The same inputs, tools among them, give the same bytes;
 * SOURCE_DATE_EPOCH is the time of all files.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { readCertificates } from '../verify/keyring.ts';
import { imageFiles, NAME } from './image-files.ts';
import { CACHE, makeOnce } from './kept.ts';
import { type Architecture, architectures, hashOf, type PreparedNode, prepareNode } from './node-binary.ts';
import { writePlaced } from './placed-file.ts';

const BUILT = 'dist/extupdate';
/** Left by the build. */
const COMPILE = 'src/release/compile.bundle.mjs';

/** Decompressed as a whole to be read; larger is smaller. */
const BLOCK_SIZE = '1M';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'dist' },
    arch: { type: 'string', default: process.arch === 'arm64' ? 'arm64' : 'x86-64' },
    version: { type: 'string', default: manifest.version },
    'source-url': { type: 'string' },
    keyring: { type: 'string' },
    libraries: { type: 'string' },
    compression: { type: 'string', default: '19' },
    program: { type: 'string', default: BUILT },
  },
});

try {
  const architecture = architectures.find((one) => one === values.arch);
  if (!architecture) throw new Error(`--arch=${values.arch}: expected one of ${architectures.join(', ')}`);
  // As systemd.v(7) reads it out of the file's name.
  if (!/^[A-Za-z0-9.~^-]+$/.test(values.version)) {
    throw new Error(`--version=${values.version}: expected letters, digits and . ~ ^ -`);
  }
  const path = await buildImage(architecture);
  console.log(path);
} catch (error) {
  console.error(`image: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function buildImage(architecture: Architecture): Promise<string> {
  const { version, out } = values;
  const node = prepareNode(architecture, values.libraries);
  const content = {
    version,
    architecture,
    node,
    program: compiledProgram(node),
    sourceUrl: values['source-url'],
    keyring: await readKeyring(values.keyring),
  };
  const place = mkdtempSync(join(CACHE, 'image.'));
  try {
    writePlaced(join(place, 'tree'), imageFiles(content));
    makeSquashfs(join(place, 'tree'), join(place, 'image'));
    mkdirSync(out, { recursive: true });
    const path = join(out, `${NAME}_${version}_${architecture}.raw`);
    copyFileSync(join(place, 'image'), `${path}.new`);
    renameSync(`${path}.new`, path);
    console.error(`Node ${node.version}; runs on an OS with glibc ${node.glibc} or newer`);
    return path;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** The program, with what the Node of the image makes of it. @returns a directory */
function compiledProgram(node: PreparedNode): string {
  const made = [values.program, COMPILE].map((path) => hashOf(readFileSync(path)));
  return makeOnce(`program-${hashOf([...made, node.digest].join()).slice(0, 16)}`, (place) => {
    copyFileSync(values.program, join(place, 'extupdate'));
    const why =
      values.program !== BUILT
        ? 'that is only made of the built program'
        : node.runsHere
          ? undefined
          : 'the Node of the image does not run on this machine';
    if (why !== undefined) return console.error(`without compiled code, which costs every start time: ${why}`);
    execFileSync(join(node.directory, 'bin/node'), [COMPILE, join(place, 'extupdate')], { stdio: 'inherit' });
  });
}

async function readKeyring(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  const bytes = readFileSync(path);
  const keys = await readCertificates(bytes).catch(() => []);
  if (keys.length === 0) throw new Error(`--keyring=${path}: holds no OpenPGP key`);
  return Buffer.concat(keys.map((key) => key.write()));
}

function makeSquashfs(tree: string, image: string): void {
  const { SOURCE_DATE_EPOCH, ...env } = process.env;
  const time = SOURCE_DATE_EPOCH ?? execFileSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' }).trim();
  const times = ['-mkfs-time', time, '-all-time', time];
  const compression = ['-comp', 'zstd', '-Xcompression-level', values.compression, '-b', BLOCK_SIZE];
  const plain = ['-all-root', '-no-xattrs', '-noappend', '-no-progress', '-quiet'];
  execFileSync('mksquashfs', [tree, image, ...plain, ...times, ...compression], { env, stdio: ['ignore', 2, 2] });
}
