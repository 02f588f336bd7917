/** /proc/PID/mountinfo, see proc_pid_mountinfo(5). Pure. */

export interface Mount {
  readonly point: string;
  readonly type: string;
  readonly source: string;
  /** Of the mount, and of the file system. */
  readonly options: readonly string[];
  readonly superOptions: readonly string[];
}

/** The mounts, in the order in which they were made. */
export function parseMountinfo(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [mount, device] = line.split(' - ');
    const [, , , , point, options = ''] = mount?.split(' ') ?? [];
    const [type, source, superOptions = ''] = device?.split(' ') ?? [];
    if (point === undefined || type === undefined || source === undefined) return [];
    return [
      { point: unescapeOctal(point), type, source, options: options.split(','), superOptions: superOptions.split(',') },
    ];
  });
}

/** What is seen at a path: the mount with the longest point, and of those at one point the last. */
export function mountOver(mounts: readonly Mount[], path: string): Mount | undefined {
  const over = mounts.filter(({ point }) => point === '/' || path === point || path.startsWith(`${point}/`));
  return over.reduce<Mount | undefined>(
    (best, mount) => (mount.point.length >= (best?.point.length ?? 0) ? mount : best),
    undefined,
  );
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
