/**
 * The overlays that systemd makes of a service's extensions, out of /proc/PID/mountinfo. Pure.
 *
 * How they look, as tried: one overlay each for `/etc`, `/usr` and `/opt`, where an image has something there. Its
 * source is `overlay` on 257 and `systemd-extensions` on 262; its lower layers are `/run/systemd/unit-extensions/N/etc`
 * of a namespace that is gone by then, and after a reload on 262 `/proc/self/fd/N` of a process that is gone, too. The
 * images themselves, and their loop devices, are not in it: they were mounted outside of the service's root. The file
 * system id of such an overlay is 0. So it tells *that* something was mounted anew, and not what: see sight.ts. An
 * overlay that systemd-confext merges on the host is put below the service's own, which goes on hiding it.
 */

/** One overlay of a service's namespace. */
export interface ExtensionMount {
  readonly point: string;
  /** Mount id and device, which change when it is mounted anew. Each alone may be used again. */
  readonly identity: string;
}

/** The overlays that are made of a service's extensions. */
export function extensionMounts(mountinfo: string): ExtensionMount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [mount = '', source = ''] = line.split(' - ');
    const [id, , device, , point] = mount.split(' ');
    const [type, name, options = ''] = source.split(' ');
    if (type !== 'overlay' || id === undefined || point === undefined) return [];
    const isOwn = name === 'systemd-extensions' || options.includes('lowerdir=/run/systemd/unit-extensions/');
    return isOwn ? [{ point, identity: `${id} ${device}` }] : [];
  });
}

/** Whether nothing was mounted anew between two looks. */
export function isSameMounts(before: readonly ExtensionMount[], after: readonly ExtensionMount[]): boolean {
  const key = (mounts: readonly ExtensionMount[]) =>
    mounts
      .map(({ point, identity }) => `${point} ${identity}`)
      .sort()
      .join('\n');
  return key(before) === key(after);
}
