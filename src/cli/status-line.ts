/** What a run is at, in one line: `downloading app_2.raw: 43 % of 120 MiB, 12.3 MiB/s`. */
import { formatBytes } from './format-bytes.ts';

/** Names that are told of several downloads. */
const NAMES_MAX = 2;

interface Download {
  readonly name: string;
  /** When the first of its bytes were counted, in milliseconds, and how many were there already. */
  since?: { readonly at: number; readonly received: number };
  received: number;
  total: number | undefined;
}

export class StatusLine {
  #phase = '';
  readonly #downloads = new Set<Download>();

  phase(text: string): void {
    this.#phase = text;
  }

  download(name: string) {
    const download: Download = { name, received: 0, total: undefined };
    this.#downloads.add(download);
    return {
      update: (received: number, total: number | undefined, now: number) => {
        download.since ??= { at: now, received };
        Object.assign(download, { received, total });
      },
      end: () => void this.#downloads.delete(download),
    };
  }

  /** @param now in milliseconds, of any clock that does not jump */
  text(now: number): string {
    const running = [...this.#downloads];
    if (running.length === 0) return this.#phase;
    const names = running.slice(0, NAMES_MAX).map(({ name }) => name);
    const others = running.length > NAMES_MAX ? ` and ${running.length - NAMES_MAX} more` : '';
    return `downloading ${names.join(', ')}${others}: ${figures(running, now)}`;
  }
}

function figures(downloads: readonly Download[], now: number): string {
  const sum = (of: (download: Download) => number) => downloads.reduce((total, one) => total + of(one), 0);
  const received = sum((one) => one.received);
  const total = downloads.every((one) => one.total !== undefined) ? sum((one) => one.total ?? 0) : undefined;
  const speed = sum(({ since, received: bytes }) =>
    since === undefined || now <= since.at ? 0 : ((bytes - since.received) * 1000) / (now - since.at),
  );
  const done =
    total === undefined || total === 0
      ? formatBytes(received)
      : `${Math.floor((100 * received) / total)} % of ${formatBytes(total)}`;
  return speed > 0 ? `${done}, ${formatBytes(speed)}/s` : done;
}
