/**
 * Facts that conditions are judged by, each gathered when it is asked for. What the OS tree tells comes from the root;
 * kernel, hardware and the running systemd are those of this machine, as systemd has it with `--root=`.
 */
import { existsSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import type { ConditionFacts } from '../definition/conditions.ts';
import { parseRelease } from '../resolve/os-release.ts';
import type { HostRelease } from '../types.ts';
import { readBoundedFile } from './bounded-file.ts';
import { runCommand } from './run-command.ts';

/** @param root '' or the directory of `--root=` */
export function conditionFacts(root: string, host: HostRelease): ConditionFacts {
  const kernel = (path: string) => readIfPossible('', path);
  const asked = new Map<string, Promise<string | undefined>>();
  const ask = (...argv: [string, ...string[]]) => {
    const key = argv.join(' ');
    const answer = asked.get(key) ?? outputOf(argv);
    asked.set(key, answer);
    return answer;
  };
  const virtualization = async () => {
    const [container, any] = await Promise.all([ask('systemd-detect-virt', '--container'), ask('systemd-detect-virt')]);
    if (container === undefined || any === undefined) return undefined;
    return { id: any, isContainer: container !== 'none' };
  };
  return {
    architecture: host.architecture,
    osRelease: host.fields,
    hostname: () => (root === '' ? hostname() : (readIfPossible(root, '/etc/hostname') ?? hostname())),
    machineId: () => idIn(readIfPossible(root, '/etc/machine-id')),
    otherIds: () =>
      ['/proc/sys/kernel/random/boot_id', '/sys/class/dmi/id/product_uuid'].flatMap((path) => idIn(kernel(path)) ?? []),
    machineTags: () => parseRelease(readIfPossible(root, '/etc/machine-info') ?? '').TAGS ?? '',
    // A container has the words that its first process was started with.
    kernelCommandLine: async () =>
      (await virtualization())?.isContainer
        ? kernel('/proc/1/cmdline')?.replaceAll('\0', ' ')
        : kernel('/proc/cmdline'),
    kernelVersion: release,
    systemdVersion: async () => /^systemd (\S+)/.exec((await ask('systemctl', '--version')) ?? '')?.[1],
    glibcVersion,
    virtualization,
    hasPrivateUsers: () => {
      const map = kernel('/proc/self/uid_map');
      return map === undefined ? undefined : map.split(/\s+/).join(' ') !== '0 0 4294967295';
    },
    hasCredential: (name) =>
      [process.env.CREDENTIALS_DIRECTORY, process.env.ENCRYPTED_CREDENTIALS_DIRECTORY].some(
        (directory) => directory?.startsWith('/') && existsSync(join(directory, name)),
      ),
    hasSecurity: async (name) => {
      const answer = await ask('systemd-analyze', 'condition', `ConditionSecurity=${name}`);
      const [, result] = /^Conditions (succeeded|failed)\.$/m.exec(answer ?? '') ?? [];
      return result === undefined ? undefined : result === 'succeeded';
    },
    isEfi: async () => {
      const virtual = await virtualization();
      return virtual && !virtual.isContainer && existsSync('/sys/firmware/efi');
    },
    deviceTree: () =>
      existsSync('/sys/firmware/devicetree')
        ? (kernel('/proc/device-tree/compatible') ?? '').split('\0').filter((text) => text !== '')
        : undefined,
    smbios: (field) => kernel(`/sys/class/dmi/id/${field}`),
  };
}

/** What a program printed, whatever it made of it; undefined when it cannot tell. */
async function outputOf(argv: [string, ...string[]]): Promise<string | undefined> {
  const { status, stdout, stderr } = await runCommand(argv, { timeoutMs: 10_000 });
  // systemd-detect-virt(1) ends with 1 for "none", systemd-analyze(1) for a condition that does not hold.
  return status === 0 || status === 1 ? `${stdout}${stderr}`.trim() : undefined;
}

function glibcVersion(): string | undefined {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}

/** A machine id, or a UUID, in hex without dashes. */
function idIn(text: string | undefined): string | undefined {
  const id = text?.replaceAll('-', '').toLowerCase();
  return id !== undefined && /^[0-9a-f]{32}$/.test(id) ? id : undefined;
}

function readIfPossible(root: string, path: string): string | undefined {
  try {
    return readBoundedFile(root, path)?.toString().trim();
  } catch {
    return undefined;
  }
}
