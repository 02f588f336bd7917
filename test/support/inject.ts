/** Failing system calls where no real file system can be brought to fail so: strace(1) injects them. */
import { spawnSync } from 'node:child_process';

/** Whether this machine has strace, and lets us trace. */
export function mayInject(): boolean {
  return spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
}

export interface Injection {
  /** System calls by strace's names; `?` before one that an architecture may not have. */
  readonly calls: string;
  readonly error: string;
  /** Only calls fail that concern this path (of two, the first one), or a file opened by it; all by default. */
  readonly path?: string;
  /** Which of them: `1` only the first, `2+` from the second on; all of them by default. */
  readonly when?: string;
}

/** Words before the program under which such calls fail. */
export function injecting({ calls, error, path, when }: Injection): string[] {
  const inject = `inject=${calls}:error=${error}${when === undefined ? '' : `:when=${when}`}`;
  const only = path === undefined ? [] : ['-P', path];
  return ['env', 'UV_THREADPOOL_SIZE=1', 'strace', '-f', '-q', '-o', '/dev/null', ...only, '-e', inject];
}

/** The system calls behind what Node calls so, on every architecture. */
export const calls = {
  rename: '?rename,?renameat,?renameat2',
  symlink: '?symlink,?symlinkat',
  write: 'write,pwrite64,writev,pwritev',
  read: 'read,pread64,readv,preadv',
  sync: 'fsync,fdatasync',
  close: 'close',
} as const;
