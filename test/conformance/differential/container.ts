/**
 * A container that is not booted: one program inside a Debian tree. The tree is read-only, everything that is written is
 * in memory, and sync(2) does nothing: systemd-sysupdate calls it, and would have the whole machine write.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const script = `
set -eu
umount --recursive /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=0755 tmpfs /run/systemd/nspawn
group=$(mktemp -d /sys/fs/cgroup/extupdate-XXXXXX)
(echo "$BASHPID" >"$group/cgroup.procs" && exec setpriv --pdeathsig KILL systemd-nspawn "$@") && status=0 || status=$?
for try in 1 2 3 4 5; do
  find "$group" -depth -type d -exec rmdir {} ';' 2>/dev/null && break
  sleep 0.1
done
exit "$status"
`;

/**
 * Runs a program in a container.
 * @param options.tree the Debian tree; it is left as it is
 * @param options.shown what else is there, read-only, by path below /run
 * @param options.onLine called for every line that the program prints
 * @throws Error when it fails
 */
export async function runInTree(
  argv: readonly string[],
  options: {
    readonly tree: string;
    readonly name: string;
    readonly shown: Readonly<Record<string, string>>;
    readonly onLine: (line: string) => void;
  },
): Promise<void> {
  const settings = [
    ...['--quiet', `--directory=${options.tree}`, `--machine=${options.name}`, '--register=no', '--keep-unit'],
    ...['--as-pid2', '--read-only', '--tmpfs=/srv', '--suppress-sync=yes', '--private-network', '--console=pipe'],
    ...['--link-journal=no', '--resolv-conf=off', '--timezone=off', '--capability=all'],
    '--system-call-filter=@known',
    ...Object.entries(options.shown).map(([inside, outside]) => `--bind-ro=${outside}:${inside}`),
  ];
  const words = ['--mount', '--propagation', 'private', 'setpriv', '--pdeathsig', 'TERM'];
  const child = spawn('unshare', [...words, 'bash', '-c', script, 'bash', ...settings, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  createInterface({ input: child.stdout }).on('line', options.onLine);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr.slice(-4000)}`);
}
