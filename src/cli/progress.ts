/** How a run looks while it works: bars on a terminal, plain lines elsewhere, both on standard error. */
import type { MultiBar } from 'cli-progress';
import { withoutSecrets } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import { printable } from './printable.ts';

/** Milliseconds between two drawings of a bar. */
const DRAW_EVERY = 100;

/**
 * @param options.quiet nothing but errors is printed (JSON)
 */
export async function createReporter(options: {
  readonly quiet: boolean;
  readonly terminal: boolean;
}): Promise<Reporter> {
  const say = (component: string, text: string) => {
    if (!options.quiet) process.stderr.write(printable(lineOf(component, text)));
  };
  const seen = new Set<string>();
  const notice = (component: string, text: string) => {
    const line = `${component}\0${text}`;
    if (!seen.has(line)) say(component, text);
    seen.add(line);
  };
  if (options.quiet || !options.terminal) {
    return {
      notice,
      step: say,
      download(name) {
        say('', `downloading ${name}`);
        return { update() {}, end() {} };
      },
      close() {},
    };
  }
  const { default: cliProgress } = await import('cli-progress');
  const width = layoutFor(process.stderr.columns ?? 80);
  let bars: MultiBar | undefined;
  const stop = () => {
    bars?.stop();
    bars = undefined;
  };
  return {
    // Above the bars, so that they stay whole.
    notice(component, text) {
      if (bars) bars.log(printable(lineOf(component, text)));
      else notice(component, text);
    },
    step(component, text) {
      stop();
      say(component, text);
    },
    download(name) {
      bars ??= new cliProgress.MultiBar({
        format: '{name} {bar} {percentage}% {done}/{size} {speed} {left}',
        barsize: width.bar,
        fps: 1000 / DRAW_EVERY,
        hideCursor: true,
        stream: process.stderr,
        clearOnComplete: false,
      });
      const started = performance.now();
      const bar = bars.create(1, 0, { name: shorten(name, width.name), done: '0 B', size: '?', speed: '', left: '' });
      const draw = (received: number, total: number | undefined) => {
        const seconds = (performance.now() - started) / 1000;
        const speed = seconds > 0 ? received / seconds : 0;
        bar.setTotal(total ?? Math.max(received, 1));
        bar.update(received, {
          done: formatBytes(received),
          size: total === undefined ? '?' : formatBytes(total),
          speed: `${formatBytes(speed)}/s`,
          left: total === undefined || speed === 0 ? '' : `${formatSeconds((total - received) / speed)} left`,
        });
      };
      return { update: draw, end: () => bar.stop() };
    },
    close: stop,
  };
}

/** Columns for name and bar; the figures beside them need about 45. */
function layoutFor(columns: number): { readonly name: number; readonly bar: number } {
  const bar = columns >= 100 ? 20 : 10;
  return { bar, name: Math.max(8, Math.min(32, columns - 47 - bar)) };
}

function lineOf(component: string, text: string): string {
  return `${component === '' ? '' : `${component}: `}${withoutSecrets(text)}\n`;
}

/** Bytes to the base of 1024, in three digits. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

function formatSeconds(seconds: number): string {
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s` : `${Math.ceil(seconds)} s`;
}

function shorten(name: string, width: number): string {
  return name.length > width ? `${name.slice(0, width - 3)}...` : name.padEnd(width);
}
