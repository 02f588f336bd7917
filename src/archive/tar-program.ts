/** GNU tar as a child process, the same whatever the environment and the mask of this one are. */
import { UnsuitableError } from '../errors.ts';
import { runCommand } from '../os/run-command.ts';
import { throughProgram } from './program-filter.ts';

/** Memory that tar may have, in KiB: without a limit, it reads an extended header of any size into memory. */
const MEMORY_KIB = 512 * 1024;

/** Directories that an archive only implies are made with the mask of the process. The limit cannot be set everywhere. */
const SHELL = `umask 022; command ulimit -v ${MEMORY_KIB} 2>/dev/null; exec tar "$@"`;

const COMMON = ['--file=-', '--read-full-records', '--numeric-owner', '--quoting-style=c', '--xattrs'];

const LIST = [
  ...['--list', '--verbose', '--full-time', '--block-number', '--xattrs-include=*'],
  // Only here: names are to be shown as they stand in the archive, targets of hard links too.
  '--absolute-names',
];

const EXTRACT = [
  ...['--extract', '--preserve-permissions', '--delay-directory-restore', '--acls', '--xattrs-include=*'],
  ...['--warning=no-timestamp', '--warning=no-unknown-keyword'],
];

export interface TarRunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Gets each line of standard error. */
  readonly onComplaint: (line: string) => void;
}

export interface TarExtractOptions extends TarRunOptions {
  /** Names of the entries to unpack, as they stand in the archive; all of them where nothing is said. */
  readonly members?: readonly string[] | undefined;
}

/** Lists an uncompressed archive; yields what tar prints. Throws as {@link throughProgram} does. */
export function listTar(archive: AsyncIterable<Uint8Array>, options: TarRunOptions): AsyncGenerator<Buffer, unknown> {
  return throughProgram(argv(LIST), archive, { ...options, name: 'tar', env: environment() });
}

/** Unpacks an uncompressed archive, or some entries of it, into a directory. Throws as {@link throughProgram} does. */
export async function extractTar(
  archive: AsyncIterable<Uint8Array>,
  directory: string,
  { members, ...options }: TarExtractOptions,
): Promise<void> {
  const owner = process.getuid?.() === 0 ? '--same-owner' : '--no-same-owner';
  const running = throughProgram(argv([...EXTRACT, owner, ...(members ? ['--', ...members] : [])]), archive, {
    ...options,
    name: 'tar',
    cwd: directory,
    env: environment(),
  });
  for await (const _ of running);
}

/** @throws UnsuitableError where `tar` is missing or another one than GNU's */
export async function requireGnuTar(): Promise<void> {
  const next = 'install GNU tar (package tar) and run again';
  const { status, stdout, missing } = await runCommand(['tar', '--version']);
  if (missing) throw new UnsuitableError('tar archives need the program tar, which is not installed', { next });
  if (status !== 0 || !stdout.startsWith('tar (GNU tar)')) {
    const found = stdout.split('\n')[0] || 'unknown';
    throw new UnsuitableError(`tar archives need GNU tar; the tar of this machine is another one: ${found}`, { next });
  }
}

function argv(args: readonly string[]): [string, ...string[]] {
  return ['sh', '-c', SHELL, 'tar', ...COMMON, ...args];
}

/** Without TAR_OPTIONS and its like. The words are parsed, and times are UTC. */
function environment(): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return { LC_ALL: 'C', TZ: 'UTC', ...(PATH === undefined ? {} : { PATH }) };
}
