/** Which snapshot or deployment is running, named as `FoundOs.deployment` does. */
import { readFileSync, readlinkSync } from 'node:fs';

interface Mount {
  /** Directory of the file system that is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
}

/**
 * The deployment that runs. The mounts are asked first: they stay true, whereas ostree moves and deletes the link that
 * the command line names when it writes deployments, and a soft reboot changes the deployment without the command line.
 * @param commandLine of the kernel
 * @param mountinfo text of /proc/self/mountinfo
 * @param resolveLink the target of a symbolic link, or where it ends; undefined where there is none
 * @returns number of the snapper snapshot, or `CHECKSUM.SERIAL`; undefined on other hosts
 */
export function bootedDeployment(
  commandLine: string,
  mountinfo: string,
  resolveLink: (path: string) => string | undefined,
): string | undefined {
  const mounts = parseMounts(mountinfo);
  return mountedDeployment(mounts) ?? mountedSnapshot(mounts) ?? namedDeployment(commandLine, resolveLink);
}

/** {@link bootedDeployment} of this machine; never throws. */
export function readBootedDeployment(): string | undefined {
  // The path is one of the physical root, which is at /sysroot where the deployment has no link to it.
  const resolveLink = (path: string) =>
    attempt(() => readlinkSync(path)) ?? attempt(() => readlinkSync(`/sysroot${path}`));
  const text = (path: string) => attempt(() => readFileSync(path, 'utf8')) ?? '';
  return bootedDeployment(text('/proc/cmdline'), text('/proc/self/mountinfo'), resolveLink);
}

/** The deployment is bind-mounted to `/`; where `/` is an overlay of composefs, its etc to `/etc`. */
function mountedDeployment(mounts: readonly Mount[]): string | undefined {
  const deployment = /\/ostree\/deploy\/[^/]+\/deploy\/([0-9a-f]+\.[0-9]+)(?:\/|$)/;
  return firstMatch(mounts, ['/', '/usr', '/etc'], deployment);
}

/** As tukit asks findmnt(8): the file system that holds /usr, below overlays that were put over it. */
function mountedSnapshot(mounts: readonly Mount[]): string | undefined {
  const btrfs = mounts.filter(({ type }) => type === 'btrfs');
  return firstMatch(btrfs, ['/usr', '/'], /\/\.snapshots\/([0-9]+)\/snapshot(?:\/|$)/);
}

function firstMatch(mounts: readonly Mount[], points: readonly string[], pattern: RegExp): string | undefined {
  for (const point of points) {
    // The last one that was mounted at a place covers those before.
    const matches = mounts.filter((mount) => mount.point === point).map((mount) => pattern.exec(mount.root)?.[1]);
    const match = matches.findLast((deployment) => deployment !== undefined);
    if (match !== undefined) return match;
  }
  return undefined;
}

/** `ostree=/ostree/boot.0/STATEROOT/BOOTCHECKSUM/0`, a link to `../../../deploy/STATEROOT/deploy/CHECKSUM.SERIAL`. */
function namedDeployment(commandLine: string, resolveLink: (path: string) => string | undefined): string | undefined {
  const word = commandLine.split(/\s+/).find((argument) => argument.startsWith('ostree=/'));
  const target = word === undefined ? undefined : resolveLink(word.slice('ostree='.length));
  return /(?:^|\/)deploy\/([0-9a-f]+\.[0-9]+)\/?$/.exec(target ?? '')?.[1];
}

/** Lines of proc_pid_mountinfo(5): `ID PARENT DEVICE ROOT POINT OPTIONS FIELDS... - TYPE SOURCE OPTIONS`. */
function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [mount = '', device = ''] = line.split(' - ');
    const [, , , root, point] = mount.split(' ');
    const [type] = device.split(' ');
    return root && point && type ? [{ root, point, type }] : [];
  });
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
