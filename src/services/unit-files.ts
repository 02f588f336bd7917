/** Which units to ask systemd about, by the files they are made of. Pure. */

/** Whether a unit file or a drop-in mounts images over a service's namespace. */
export function mentionsExtensions(content: string): boolean {
  return /^[ \t]*Extension(Images|Directories)[ \t]*=/m.test(content);
}

/**
 * The argument of `systemctl show` for the services that a file has to do with.
 * @param file `web.service`, or the directory of a drop-in: `web.service.d`, `web@.service.d`, `web-.service.d`,
 * `service.d`
 * @returns undefined for what is not about services
 */
export function unitPattern(file: string): string | undefined {
  const unit = file.replace(/\.d$/, '');
  if (unit === 'service') return unit === file ? undefined : '*.service';
  const match = /^(.+)\.service$/.exec(unit);
  const stem = match?.[1];
  if (stem === undefined) return undefined;
  // A template stands for its instances; a drop-in of `web-.service` for all whose name begins so.
  const isPrefix = stem.endsWith('@') || (stem.endsWith('-') && unit !== file);
  // In a pattern, the backslash of an escaped name would quote.
  return isPrefix ? `${stem.replaceAll('\\', '\\\\')}*.service` : unit;
}
