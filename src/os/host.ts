/** Facts about the OS that images have to fit: os-release, architecture, and the values of specifiers. */
import { existsSync, statSync } from 'node:fs';
import { hostname, release as kernelRelease, machine } from 'node:os';
import type { SpecifierValues } from '../definition/specifiers.ts';
import { ConfigError, UsageError } from '../errors.ts';
import { parseRelease } from '../resolve/os-release.ts';
import type { HostRelease, ReleaseFields } from '../types.ts';
import { readBoundedFile } from './bounded-file.ts';
import { resolveInRoot } from './root.ts';

/** uname machine names to the architecture names of systemd (ConditionArchitecture= in systemd.unit(5)). */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'x86-64',
  i386: 'x86',
  i486: 'x86',
  i586: 'x86',
  i686: 'x86',
  aarch64: 'arm64',
  aarch64_be: 'arm64-be',
  armv7l: 'arm',
  armv6l: 'arm',
  armv8l: 'arm',
  ppc64le: 'ppc64-le',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  riscv32: 'riscv32',
  s390x: 's390x',
  loongarch64: 'loongarch64',
  mips64: 'mips64',
};

export interface Host {
  readonly release: HostRelease;
  readonly specifiers: SpecifierValues;
}

/**
 * Reads the host below `root`.
 * @param options.arch the architecture of `--arch=`, else the machine's
 * @throws ConfigError when there is no os-release with an ID=
 */
export function readHost(options: { readonly root: string; readonly arch?: string | undefined }): Host {
  const { root } = options;
  return hostWith(readOsRelease(root), { ...options, initrd: exists(root, '/etc/initrd-release') });
}

/**
 * The host as it is, or would be, under an OS: specifiers of the OS come from its os-release, those of the machine from
 * `root`.
 */
export function hostWith(
  fields: ReleaseFields,
  options: { readonly root: string; readonly arch?: string | undefined; readonly initrd?: boolean },
): Host {
  const { root } = options;
  const architecture = options.arch ?? ARCHITECTURES[machine()] ?? machine();
  const host = readIfPossible(root, '/etc/hostname') ?? (root === '' ? hostname() : '');
  const specifiers: SpecifierValues = {
    a: architecture,
    A: fields.IMAGE_VERSION ?? '',
    b: (readIfPossible('', '/proc/sys/kernel/random/boot_id') ?? '').replaceAll('-', ''),
    B: fields.BUILD_ID ?? '',
    H: host,
    l: host.split('.')[0] ?? '',
    m: readIfPossible(root, '/etc/machine-id') ?? '',
    M: fields.IMAGE_ID ?? '',
    o: fields.ID ?? '',
    q: parseRelease(readIfPossible(root, '/etc/machine-info') ?? '').PRETTY_HOSTNAME ?? host,
    T: '/tmp',
    v: kernelRelease(),
    V: '/var/tmp',
    w: fields.VERSION_ID ?? '',
    W: fields.VARIANT_ID ?? '',
  };
  return { release: { fields, architecture, initrd: options.initrd === true }, specifiers };
}

/** `/etc/os-release`, else `/usr/lib/os-release`, of the tree. */
function readOsRelease(root: string): ReleaseFields {
  const text = read(root, '/etc/os-release') ?? read(root, '/usr/lib/os-release');
  const fields = text === undefined ? undefined : parseRelease(text);
  if (fields?.ID) return fields;
  const where = root === '' ? '/etc/os-release' : `${root}/usr/lib/os-release`;
  if (root !== '' && !existsSync(root)) {
    throw new UsageError(`--root=: ${root}: there is no such directory`, { next: 'name the top of a tree of an OS' });
  }
  throw new ConfigError(`${where}: ${fields ? 'has no ID=' : 'there is no os-release file'}`, {
    next: root === '' ? 'nothing can be matched without it' : 'does --root= name a tree of an operating system?',
  });
}

/** @returns undefined when there is none @throws StorageError when it is no file that can be read */
function read(root: string, path: string): string | undefined {
  return readBoundedFile(root, path)?.toString().trim();
}

/** What only specifiers need may be anything. */
function readIfPossible(root: string, path: string): string | undefined {
  try {
    return read(root, path);
  } catch {
    return undefined;
  }
}

function exists(root: string, path: string): boolean {
  return statSync(resolveInRoot(root, path), { throwIfNoEntry: false }) !== undefined;
}
