/**
 * Hosts for tests: Debian trees booted in containers under a real systemd,
 * which merges real extension images. See `systemd-host.sh` for the part that
 * keeps a container and cleans up behind it.
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian suites that hosts are made of: systemd 257 and 262. */
export type Suite = 'trixie' | 'forky';

/** Directory or file of the outer machine that is shown inside a host. */
export interface Bind {
  readonly from: string;
  readonly to: string;
  readonly readOnly?: boolean;
}

export interface HostOptions {
  readonly suite: Suite;
  readonly bind?: readonly Bind[];
  /** All keys of the host's os-release; Debian's own file when absent. */
  readonly osRelease?: Readonly<Record<string, string>>;
  /** Name of the machine, by default a random one. */
  readonly name?: string;
  /** Tree to copy, by default that of `prepareTree`. */
  readonly tree?: string;
  /** Whether this machine's Node is there, as `/srv/node/bin/node`; it is by default. */
  readonly node?: boolean;
}

export interface ExecOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The command is killed and the call rejected after this time; 60 s by default. */
  readonly timeoutMs?: number;
}

export interface ExecResult {
  /** Exit status, or 128 and the number of the signal, as a shell has it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface BootOptions {
  /** Whether nothing outside can be reached, not even on loopback. */
  readonly offline?: boolean;
}

/** A running host. */
export interface Host {
  readonly suite: Suite;
  /**
   * The host's root directory on the outer machine. It shows what lies below
   * merged extensions, and nothing of /run and /tmp.
   */
  readonly root: string;
  /** Runs a program inside, as root, with a fresh environment. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** Runs a shell script inside. */
  sh(script: string, options?: ExecOptions): Promise<ExecResult>;
  /** Powers off and boots again from the same root, maybe as another OS version, or with the network cut off. */
  reboot(osRelease?: Readonly<Record<string, string>>, options?: BootOptions): Promise<void>;
  /** What the containers wrote to their console so far. */
  console(): Promise<string>;
  /** Powers off and removes every trace. May be called again. */
  stop(): Promise<void>;
}

type Keeper = ChildProcessByStdio<Writable, Readable, Readable>;

const helper = fileURLToPath(new URL('../support/systemd-host.sh', import.meta.url));
const repository = fileURLToPath(new URL('../..', import.meta.url));

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/srv/node/bin';
const bootTimeoutMs = 60_000;
const tools = [
  ...['chroot', 'flock', 'losetup', 'mmdebstrap', 'nsenter', 'pgrep'],
  ...['setpriv', 'systemd-nspawn', 'unshare'],
];

/** What all trees have in common; a change of it makes new trees. */
const recipe = [
  '--variant=minbase',
  '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg',
  '--aptopt=Acquire::Check-Valid-Until "false"',
  '--aptopt=APT::Install-Recommends "false"',
  ...['doc', 'info', 'locale', 'man'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
  // Each host gets its own machine id; no unit has to do work of a first boot.
  '--customize-hook=echo uninitialized >"$1/etc/machine-id"',
  '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
  '--customize-hook=chroot "$1" systemctl enable --quiet systemd-sysext.service systemd-confext.service',
  '--customize-hook=chroot "$1" systemctl disable --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer',
  '--customize-hook=touch "$1/etc/.updated" "$1/var/.updated"',
];
// erofs-utils and squashfs-tools are for making images, see treeCommand().
const packages = [
  ...['systemd', 'systemd-container', 'dbus', 'util-linux', 'procps', 'gpg', 'gpgv'],
  ...['ca-certificates', 'libnss-systemd', 'libstdc++6', 'erofs-utils', 'squashfs-tools'],
];

/** Says why hosts cannot be booted on this machine, or nothing if they can. */
export function hostUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'not a Linux machine';
  if (process.getuid?.() !== 0) return 'not run as root';
  const missing = tools.filter((tool) => !isInPath(tool));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  if (!existsSync('/dev/loop-control')) return 'no /dev/loop-control';
  const filesystems = readFileSync('/proc/filesystems', 'utf8').split(/\s+/);
  if (!filesystems.includes('cgroup2')) return 'no cgroup2 in the kernel';
  return undefined;
}

/** Gives the path of the Debian tree of `suite`, which it builds if needed. */
export async function prepareTree(suite: Suite): Promise<string> {
  const cache = process.env.EXTUPDATE_TEST_CACHE ?? join(repository, '.cache', 'trees');
  const options = [...recipe, `--include=${packages.join(',')}`];
  const digest = createHash('sha256').update(options.join('\n')).digest('hex');
  // The name carries the recipe, and only a complete tree has this name.
  const tree = join(cache, `${suite}-${digest.slice(0, 12)}`);
  if (existsSync(tree)) return tree;

  await mkdir(cache, { recursive: true });
  const script =
    'tree=$1; shift; test -e "$tree" || { rm -rf "$tree.part" && mmdebstrap "$@" && mv "$tree.part" "$tree"; }';
  const build = [...options, '--quiet', suite, `${tree}.part`, await debianMirror()];
  await run('flock', [`${tree}.lock`, 'bash', '-c', script, 'build', tree, ...build], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return tree;
}

/**
 * Gives the command line that runs a program of a tree, say forky's
 * `mkfs.erofs`, on the outer machine and its files.
 */
export function treeCommand(tree: string, program: string): string[] {
  const libraries = join(tree, 'usr/lib/x86_64-linux-gnu');
  const loader = join(libraries, 'ld-linux-x86-64.so.2');
  return [loader, '--library-path', libraries, join(tree, 'usr/bin', program)];
}

/**
 * Boots a copy of a Debian tree (its files below /usr are shared) and waits until its boot is finished,
 * which includes a boot with failed units. `stop()` must be called at the end;
 * if the test process dies before, the host goes away by itself.
 */
export async function bootHost(options: HostOptions): Promise<Host> {
  const tree = options.tree ?? (await prepareTree(options.suite));
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'extupdate-host-')));
  const name = options.name ?? basename(directory).toLowerCase();
  const node = { from: process.execPath, to: '/srv/node/bin/node', readOnly: true };
  const binds = [...((options.node ?? true) ? [node] : []), ...(options.bind ?? [])];
  const keeper = startKeeper([directory, tree, name, ...binds.map(bindOption)]);
  const root = join(directory, 'root');

  let leader = 0;
  let stopped: Promise<void> | undefined;

  async function boot(osRelease?: Readonly<Record<string, string>>, { offline }: BootOptions = {}): Promise<void> {
    if (osRelease) {
      await writeFile(join(root, 'usr/lib/os-release'), formatOsRelease(osRelease));
    }
    const [word, pid] = (await keeper.ask(offline ? 'boot --private-network' : 'boot')).split(' ');
    if (word !== 'leader') throw new Error(`host does not boot: ${await readConsole()}`);
    leader = Number(pid);
    const deadline = Date.now() + bootTimeoutMs;
    for (;;) {
      // Fails until PID 1 listens, then waits for the end of the boot.
      const { stdout, stderr } = await exec(['systemctl', 'is-system-running', '--wait']);
      if (['running', 'degraded'].includes(stdout.trim())) return;
      if (Date.now() > deadline) {
        throw new Error(`host does not boot: ${stdout}${stderr}${await readConsole()}`);
      }
      await delay(10);
    }
  }

  async function powerOff(): Promise<void> {
    // The command may be ended by the shutdown it asks for.
    if (leader !== 0) await exec(['systemctl', 'poweroff']);
    leader = 0;
    await keeper.ask('down');
  }

  function exec(argv: readonly string[], execOptions?: ExecOptions): Promise<ExecResult> {
    if (leader === 0) throw new Error('host is not running');
    return runInside(leader, argv, execOptions);
  }

  async function readConsole(): Promise<string> {
    return readFile(join(directory, 'console.log'), 'utf8').catch(() => '');
  }

  async function stop(): Promise<void> {
    if (leader !== 0) await powerOff().catch(() => undefined);
    await keeper.end();
    await rm(directory, { recursive: true, force: true });
  }

  const host: Host = {
    suite: options.suite,
    root,
    exec: async (argv, execOptions) => exec(argv, execOptions),
    sh: async (script, execOptions) => exec(['sh', '-c', script], execOptions),
    reboot: async (osRelease, bootOptions) => {
      await powerOff();
      await boot(osRelease, bootOptions);
    },
    console: readConsole,
    stop: () => (stopped ??= stop()),
  };
  try {
    await keeper.answer();
    await writeFile(join(root, 'etc/machine-id'), `${randomBytes(16).toString('hex')}\n`);
    await boot(options.osRelease);
  } catch (error) {
    await host.stop();
    throw error;
  }
  return host;
}

/** Starts `systemd-host.sh` and returns its dialogue of lines. */
function startKeeper(args: readonly string[]) {
  const options = ['--mount', '--propagation', 'private', 'bash', helper, ...args];
  // In its own session, so that Ctrl-C ends the tests but not the clean-up.
  const child: Keeper = spawn('unshare', options, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  exit.catch(() => undefined);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function answer(): Promise<string> {
    const line = await lines.next();
    if (line.done) throw new Error(`the keeper of the host ended: ${stderr}`);
    return line.value;
  }
  async function ask(command: string): Promise<string> {
    child.stdin.write(`${command}\n`);
    return answer();
  }
  async function end(): Promise<void> {
    child.stdin.end();
    await exit;
  }
  return { answer, ask, end };
}

async function runInside(leader: number, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { input = '', env = {}, timeoutMs = 60_000 } = options;
  const child = spawn('nsenter', ['--target', String(leader), '--all', '--', ...argv], {
    detached: true,
    env: { PATH: path, HOME: '/root', LANG: 'C.UTF-8', ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);

  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    // The group, since nsenter waits for a child inside.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, timeoutMs);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (timedOut) {
      throw new Error(`no end after ${timeoutMs} ms: ${argv.join(' ').slice(0, 200)}\n${stdout}${stderr}`);
    }
    return { status: code ?? 128 + 9, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

/** The mirror that this machine's own apt uses for Debian. */
async function debianMirror(): Promise<string> {
  const chosen = process.env.EXTUPDATE_TEST_MIRROR;
  if (chosen) return chosen;
  const { stdout } = await run('apt-get', [...['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']]);
  const mirror = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (mirror === undefined) throw new Error('no Debian mirror in the apt sources');
  return mirror;
}

function isInPath(tool: string): boolean {
  const directories = (process.env.PATH ?? path).split(delimiter);
  return directories.some((directory) => existsSync(join(directory, tool)));
}

function bindOption({ from, to, readOnly }: Bind): string {
  const [source, target] = [from, to].map((name) => name.replace(/[\\:]/g, '\\$&'));
  return `--bind${readOnly ? '-ro' : ''}=${source}:${target}`;
}

function formatOsRelease(keys: Readonly<Record<string, string>>): string {
  const lines = Object.entries(keys).map(([key, value]) => `${key}="${value.replace(/[\\"$`]/g, '\\$&')}"\n`);
  return lines.join('');
}
