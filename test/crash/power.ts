/** An ext4 on a loop device whose power can be cut: what was not on disk then is gone. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { copyTree } from './copy-tree.ts';

/** Bytes; more than what the program keeps free. */
const SIZE = 96 * 1024 * 1024;

/** How FS_IOC_SHUTDOWN ends a file system: with the journal written out first, or without. */
export const cutFlags = { flushed: 1, unflushed: 2 } as const;

/** Why no power can be cut on this machine; undefined when it can. */
export function powerUnavailable(): string | undefined {
  if (process.getuid?.() !== 0) return 'not run as root';
  try {
    execFileSync('sh', ['-c', 'command -v mkfs.ext4 && test -e /dev/loop-control'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no mkfs.ext4, or no loop devices';
  }
}

export class Disk {
  readonly #image: string;
  /** Where it is mounted. */
  readonly mountPoint: string;
  #mounted = false;

  constructor(place: string) {
    this.#image = join(place, 'disk');
    this.mountPoint = join(place, 'mounted');
    mkdirSync(this.mountPoint, { recursive: true });
    writeFileSync(this.#image, '');
    run('truncate', '-s', `${SIZE}`, this.#image);
    run('mkfs.ext4', '-q', '-O', '^resize_inode', '-E', 'lazy_itable_init=1', '-J', 'size=8', this.#image);
  }

  /** The tree on it. */
  get root(): string {
    return join(this.mountPoint, 'root');
  }

  mount(): void {
    if (!this.#mounted) run('mount', '-o', 'loop,noatime', this.#image, this.mountPoint);
    this.#mounted = true;
  }

  /** As after a loss of power: mounting it again replays the journal. @throws Error while a file on it is open */
  unmount(): void {
    if (this.#mounted) run('umount', this.mountPoint);
    this.#mounted = false;
  }

  /** The same, while a process that was killed still goes away. */
  async unmountSoon(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return this.unmount();
      } catch (error) {
        if (attempt === 100) throw error;
        await delay(20);
      }
    }
  }

  /** Puts a copy of a tree on it, durably. */
  put(tree: string): void {
    this.mount();
    copyTree(tree, this.root);
    run('sync', '-f', this.mountPoint);
  }
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
