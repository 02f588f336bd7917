/** A manual page for man(1): man(7) macros, as both groff and mandoc read them. */
import { type Block, type Item, type ManualPage, type Span, spansOf } from './page.ts';

/**
 * @param version of the program, for the foot of the page
 * @param date of the release, as YYYY-MM-DD; '' for none
 */
export function renderRoff({ name, section, summary, parts }: ManualPage, version: string, date: string): string {
  const lines = [
    `.TH "${name.toUpperCase()}" "${section}" "${date}" "extupdate ${version}" "extupdate"`,
    // No hyphenation, no justification: options and paths are searched for.
    '.nh',
    '.ad l',
    '.SH NAME',
    `${escapeText(name)} \\- ${inline(summary)}`,
    ...parts.flatMap(({ title, blocks }) => [`.SH "${title.toUpperCase()}"`, ...blocksOf(blocks)]),
  ];
  return `${lines.join('\n')}\n`;
}

function blocksOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block, index) => {
    if (typeof block === 'string') return [...(index === 0 ? [] : ['.PP']), line(block)];
    if ('heading' in block) return [`.SS "${block.heading}"`];
    if ('code' in block)
      return [...(index === 0 ? [] : ['.PP']), '.RS 4', '.nf', ...block.code.split('\n').map(codeLine), '.fi', '.RE'];
    return block.items.flatMap(itemOf);
  });
}

function itemOf({ terms, text }: Item): string[] {
  const [first, ...rest] = text;
  const body = typeof first === 'string' ? [line(first)] : first === undefined ? [] : blocksOf([first]);
  const more = rest.length > 0 ? ['.RS', ...rest.flatMap((block) => moreOf(block)), '.RE'] : [];
  return ['.TP', terms.map((term) => line(term)).join(', '), ...body, ...more];
}

function moreOf(block: Block): string[] {
  return typeof block === 'string' ? ['.PP', line(block)] : blocksOf([block]);
}

/** One line of text; what would be a request is none. */
function line(text: string): string {
  const rendered = inline(text);
  return /^[.']/.test(rendered) ? `\\&${rendered}` : rendered;
}

function codeLine(text: string): string {
  const escaped = escapeText(text);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

function inline(text: string): string {
  return spansOf(text).map(spanOf).join('');
}

const FONTS = { plain: '', literal: '\\fB', replaceable: '\\fI' } as const;

function spanOf({ style, text }: Span): string {
  const escaped = escapeText(text);
  return style === 'plain' ? escaped : `${FONTS[style]}${escaped}\\fR`;
}

/** Hyphens stay what a person would type; quotes and the like are those of ASCII on every terminal. */
function escapeText(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('“', '\\(lq')
    .replaceAll('”', '\\(rq')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...');
}
