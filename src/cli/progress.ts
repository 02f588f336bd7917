/** How a run looks while it works: bars on a terminal, plain lines elsewhere, both on standard error. */
import type { MultiBar } from 'cli-progress';
import { withoutSecrets } from '../errors.ts';
import { printable } from '../printable.ts';
import type { Reporter } from '../reporter.ts';
import { formatBytes } from './format-bytes.ts';
import { tell } from './journal.ts';
import type { Level } from './journal-entry.ts';
import { serviceStatus } from './service-status.ts';
import { StatusLine } from './status-line.ts';

/** Milliseconds between two drawings of a bar. */
const DRAW_EVERY = 100;

/**
 * @param options.quiet nothing but errors is printed (JSON)
 */
export async function createReporter(options: {
  readonly quiet: boolean;
  readonly terminal: boolean;
}): Promise<Reporter> {
  return withStatus(await createPrinter(options));
}

type Printer = Omit<Reporter, 'phase'>;

/** Has `systemctl status` tell what the run is at. */
function withStatus(printer: Printer): Reporter {
  const line = new StatusLine();
  const say = () => serviceStatus().say(line.text(performance.now()));
  return {
    ...printer,
    phase(text) {
      line.phase(text);
      say();
    },
    download(name) {
      const printed = printer.download(name);
      const shown = line.download(name);
      return {
        update(received, total) {
          printed.update(received, total);
          shown.update(received, total, performance.now());
          say();
        },
        end() {
          printed.end();
          shown.end();
        },
      };
    },
  };
}

async function createPrinter(options: { readonly quiet: boolean; readonly terminal: boolean }): Promise<Printer> {
  const say = (level: Level, component: string, text: string) => {
    if (!options.quiet) tell(level, lineOf(component, text), component === '' ? {} : { component });
  };
  const step = (component: string, text: string) => say('info', component, text);
  const seen = new Set<string>();
  const once = (level: Level) => (component: string, text: string) => {
    const line = `${component}\0${text}`;
    if (!seen.has(line)) say(level, component, text);
    seen.add(line);
  };
  const [notice, warning] = [once('notice'), once('warning')];
  if (options.quiet || !options.terminal) {
    return {
      notice,
      warning,
      step,
      download(name) {
        step('', `downloading ${name}`);
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
  // Above the bars, so that they stay whole.
  const above = (otherwise: typeof notice) => (component: string, text: string) => {
    if (bars) bars.log(`${printable(lineOf(component, text))}\n`);
    else otherwise(component, text);
  };
  return {
    notice: above(notice),
    warning: above(warning),
    step(component, text) {
      stop();
      step(component, text);
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
  return `${component === '' ? '' : `${component}: `}${withoutSecrets(text)}`;
}

function formatSeconds(seconds: number): string {
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s` : `${Math.ceil(seconds)} s`;
}

function shorten(name: string, width: number): string {
  return name.length > width ? `${name.slice(0, width - 3)}...` : name.padEnd(width);
}
