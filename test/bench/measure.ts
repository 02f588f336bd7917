/** What a command costs, taken beside the command itself, inside the host, the same way for every tool. */
import type { Host } from '../support/systemd-host.ts';

/** One run of a command. */
export interface Measurement {
  readonly seconds: number;
  /** Processor time of all its processes, user and system. */
  readonly cpuSeconds: number;
  /** Peak resident memory of the largest process among the command and its descendants. */
  readonly peakMiB: number;
  readonly stdout: string;
}

/** Numbers of getrusage and clock_gettime; the hosts' perl has no modules. */
const SYSCALLS: Readonly<Record<string, readonly [number, number]>> = { x64: [98, 228], arm64: [165, 113] };

/** Runs its arguments and adds a line to standard error: status, nanoseconds, microseconds of CPU, KiB. */
const WRAPPER = `
my ($getrusage, $clock_gettime) = (shift, shift);
sub now { my $time = "\\0" x 16; syscall $clock_gettime, 1, $time; my ($s, $ns) = unpack "q2", $time; $s * 1e9 + $ns }
my $start = now;
my $status = system @ARGV;
my $took = now() - $start;
my $usage = "\\0" x 144;
syscall $getrusage, -1, $usage;
my ($user, $user_us, $system, $system_us, $rss) = unpack "q5", $usage;
printf STDERR "\\nmeasured %d %.0f %d %d\\n", $status, $took, ($user + $system) * 1e6 + $user_us + $system_us, $rss;
`;

const TIMEOUT_MS = 300_000;

/**
 * Runs a command inside and measures it.
 * @throws Error when its exit status is not 0
 */
export async function measure(host: Host, argv: readonly string[]): Promise<Measurement> {
  const numbers = SYSCALLS[process.arch];
  if (!numbers) throw new Error(`${process.arch}: the numbers of its system calls are not known here`);
  const wrapped = ['perl', '-e', WRAPPER, ...numbers.map(String), ...argv];
  const { stdout, stderr } = await host.exec(wrapped, { timeoutMs: TIMEOUT_MS });
  const [, status, nanoseconds, cpuMicroseconds, kib] = /^measured (\S+) (\S+) (\S+) (\S+)$/m.exec(stderr) ?? [];
  if (status !== '0') throw new Error(`wait status ${status}: ${argv.join(' ')}\n${stdout}${stderr}`);
  return {
    seconds: Number(nanoseconds) / 1e9,
    cpuSeconds: Number(cpuMicroseconds) / 1e6,
    peakMiB: Number(kib) / 1024,
    stdout,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
