/** Extended attributes, by attr(1)'s programs: Node has no system calls for them. Both are best effort. */
import { runCommand } from './run-command.ts';

/** Keeps the true version of a file whose name cannot carry it. */
export const VERSION_XATTR = 'user.extupdate.version';

/** Sets an attribute; a file system or machine that cannot is no failure, the state knows the version too. */
export async function writeXattr(path: string, name: string, value: string): Promise<void> {
  await runCommand(['setfattr', '-n', name, '-v', value, '--', path]);
}

/** Reads an attribute; undefined when it is not set or cannot be read here. */
export async function readXattr(path: string, name: string): Promise<string | undefined> {
  const result = await runCommand(['getfattr', '--absolute-names', '--only-values', '-n', name, '--', path]);
  return result.status === 0 && result.stdout !== '' ? result.stdout : undefined;
}
