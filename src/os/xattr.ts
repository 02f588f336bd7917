/** Extended attributes, by attr(1)'s programs: Node has no system calls for them. Both are best effort. */
import { runCommand } from './run-command.ts';

/** Keeps the true version of a file whose name cannot carry it. */
export const VERSION_XATTR = 'user.extupdate.version';

/** Sets an attribute; a file system or machine that cannot is no failure, the state knows the version too. */
export async function writeXattr(path: string, name: string, value: string): Promise<void> {
  await runCommand(['setfattr', '-n', name, '-v', value, '--', path]);
}

/** Files that one process is asked about: well within what a command line may have. */
const FILES_AT_ONCE = 400;

/** Reads an attribute of many files. @returns by path; nothing for those that have it not, or where it cannot be read */
export async function readXattrs(paths: readonly string[], name: string): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (let from = 0; from < paths.length; from += FILES_AT_ONCE) {
    const some = paths.slice(from, from + FILES_AT_ONCE);
    // The status only says whether all of them have it.
    const { stdout } = await runCommand(['getfattr', '--absolute-names', '-e', 'base64', '-n', name, '--', ...some]);
    for (const [, path = '', value = ''] of stdout.matchAll(/^# file: (.*)\n.*=0s([A-Za-z0-9+/=]*)$/gm)) {
      values.set(unescapePath(path), Buffer.from(value, 'base64').toString());
    }
  }
  return values;
}

/** getfattr(1) writes line ends and backslashes as three octal digits. */
function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
