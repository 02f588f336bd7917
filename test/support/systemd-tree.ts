/** Programs of a Debian tree, and the built extupdate, run beside each other on the files of one root; nothing is booted. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface TreeResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** systemd-sysupdate in the trees. */
export const SYSUPDATE = '/usr/lib/systemd/systemd-sysupdate';
/** The built extupdate in there. */
export const EXTUPDATE = '/srv/node /srv/extupdate/extupdate';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));

/**
 * In a private mount namespace: the files of ROOT over those of TREE, read-only, ROOT itself at /mnt, and what programs
 * expect of a running system.
 */
const enter = `set -e
tree=$1 root=$2 node=$3 dist=$4 script=$5 top=$(mktemp -d)
trap 'rmdir "$top"' EXIT
(
  mount -t overlay overlay -o "lowerdir=$root:$tree" "$top"
  mount -t proc proc "$top/proc"
  mount --rbind /sys "$top/sys"
  mount --rbind /dev "$top/dev"
  for directory in run tmp; do mount -t tmpfs tmpfs "$top/$directory"; done
  mount --bind "$root" "$top/mnt"
  mount --bind "$node" "$top/srv/node"
  mount --bind "$dist" "$top/srv/extupdate"
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root chroot "$top" sh -c "$script"
) || status=$?
umount -R "$top"
exit \${status:-0}
`;

/**
 * Runs a shell script in the tree: over its files lie those of `root`, which is at /mnt, too, where it can be written.
 */
export function runInTree(tree: string, root: string, script: string): Promise<TreeResult> {
  mkdirSync(join(root, 'srv/extupdate'), { recursive: true });
  writeFileSync(join(root, 'srv/node'), '');
  const args = ['--mount', '--propagation', 'private', 'bash', '-c', enter, 'enter'];
  args.push(tree, root, process.execPath, dist, script);
  return new Promise((resolve) => {
    execFile('unshare', args, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code ?? -1) : 0, stdout, stderr });
    });
  });
}
