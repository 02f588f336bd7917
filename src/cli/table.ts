/** Tables that fit the terminal; without borders, so that they can be cut and grepped. */
import Table from 'cli-table3';
import { printable } from '../printable.ts';

const NO_BORDERS = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle'
    .split(' ')
    .map((name) => [name, '']),
);

/** Rows that are laid out together. */
const ROWS_AT_ONCE = 100;

/** Least room for the last column; where there is less, the line may be longer than the terminal. */
const LAST_COLUMN_LEAST = 20;

/**
 * Renders rows below a header.
 * @param width columns of the terminal; undefined for a pipe, where nothing is wrapped
 */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: { readonly width?: number | undefined; readonly legend: boolean },
): string {
  const lines = options.legend ? [header, ...rows] : rows;
  const widths = header.map((_, column) => Math.max(0, ...lines.map((line) => (line[column] ?? '').length)) + 2);
  if (options.width !== undefined) {
    const before = widths.slice(0, -1).reduce((sum, width) => sum + width, 0);
    const last = widths.length - 1;
    widths[last] = Math.min(widths[last] ?? 0, Math.max(options.width - before, LAST_COLUMN_LEAST));
  }
  const render = (part: readonly (readonly string[])[]) => {
    const table = new Table({
      chars: NO_BORDERS,
      style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [], compact: true },
      colWidths: widths,
      wordWrap: true,
    });
    for (const line of part) table.push(line.map((cell) => printable(cell).replaceAll('\n', ' ')));
    return table.toString();
  };
  // The library's time grows with the square of the rows.
  const parts = Array.from({ length: Math.ceil(lines.length / ROWS_AT_ONCE) }, (_, index) =>
    render(lines.slice(index * ROWS_AT_ONCE, (index + 1) * ROWS_AT_ONCE)),
  );
  return parts
    .join('\n')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
